"""What the cache in the process promises beyond the other stores."""

from werkzeug.utils import import_string

from . import caching


def test_what_is_small_counts_for_all_the_memory_that_it_takes() -> None:
    store = import_string(caching.STORE)(300, limit=10_000)
    for number in range(1000):
        store.set(str(number), b"1", 60)
    assert 10 < store.stats()["entries"] < 30
    assert store.stats()["memory"] <= 10_000

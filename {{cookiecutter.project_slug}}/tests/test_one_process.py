"""A cache in the process allows one process, because each process would have its own."""

import pytest

from . import settings


def test_more_processes_are_refused() -> None:
    with pytest.raises(SystemExit) as refused:
        settings.load_settings({"CACHE_URL": "memory://", "WEB_CONCURRENCY": 2})

    assert str(refused.value).startswith("CACHE_URL keeps the cache in one process")
    assert "WEB_CONCURRENCY is 2" in str(refused.value)


def test_without_a_cache_there_may_be_more() -> None:
    given = settings.load_settings({"CACHE_URL": "null://", "WEB_CONCURRENCY": 2})

    assert given.web_concurrency == 2

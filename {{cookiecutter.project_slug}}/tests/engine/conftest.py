"""For all tests: what was imported stays, so no garbage collection needs to look at it again."""

import gc


def pytest_collection_finish() -> None:
    gc.freeze()

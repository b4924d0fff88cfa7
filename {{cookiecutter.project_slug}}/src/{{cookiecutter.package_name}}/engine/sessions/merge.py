"""Three-way merge of a session that two requests changed at the same time."""

from collections.abc import Callable
from typing import Any

ABSENT = object()  # the value of a key that is not there

Same = Callable[[Any, Any], bool]


def merge(
    base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any], same: Same
) -> dict[str, Any]:
    """Merge two changed versions of `base`: `mine` of this request, and `theirs` of others.

    * If only one side added, changed or removed a key, the result has that change.
    * If both sides changed a dict, it is merged by the same rules, at any depth.
    * If both sides changed another value, or one removed it and the other changed it, `mine` wins.

    `same` says whether two values are the same. `==` cannot, because it takes 1 for True.
    """
    merged = {
        key: _choose(base.get(key, ABSENT), mine.get(key, ABSENT), theirs.get(key, ABSENT), same)
        for key in {**theirs, **mine}
    }
    return {key: value for key, value in merged.items() if value is not ABSENT}


def _choose(base: Any, mine: Any, theirs: Any, same: Same) -> Any:
    """Merge one value, which may be ABSENT."""
    if _unchanged(base, mine, same):
        return theirs
    if _unchanged(base, theirs, same):
        return mine
    if base is ABSENT:
        base = {}  # both sides may have added a dict
    if isinstance(base, dict) and isinstance(mine, dict) and isinstance(theirs, dict):
        return merge(base, mine, theirs, same)
    return mine


def _unchanged(base: Any, side: Any, same: Same) -> bool:
    if base is ABSENT or side is ABSENT:
        return base is side
    return same(base, side)

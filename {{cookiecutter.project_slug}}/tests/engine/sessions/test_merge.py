"""The three-way merge by itself: what becomes of one session that two requests changed."""

import json
from typing import Any

import pytest

from ..hub import merge

BASE = {"user": "alice", "cart": {"1": 1}}


@pytest.mark.parametrize(
    ("mine", "theirs", "merged"),
    [
        (BASE, BASE, BASE),
        (BASE, {}, {}),
        ({}, BASE, {}),
        ({**BASE, "a": 1}, {**BASE, "b": 2}, {**BASE, "a": 1, "b": 2}),
        ({**BASE, "a": 1}, {**BASE, "a": 2}, {**BASE, "a": 1}),
        ({"user": "alice"}, {**BASE, "user": "bob"}, {"user": "bob"}),
        ({**BASE, "user": True}, {**BASE, "user": 1}, {**BASE, "user": True}),
        ({"cart": {"1": 1, "2": 1}}, {"cart": {}}, {"cart": {"2": 1}}),
        ({**BASE, "cart": [1]}, {**BASE, "cart": {"3": 1}}, {**BASE, "cart": [1]}),
        ({**BASE, "new": {"a": {"b": 1}}}, {**BASE, "new": {"a": {"c": 2}}},
         {**BASE, "new": {"a": {"b": 1, "c": 2}}}),
    ],
)  # fmt: skip
def test_two_changes_become_one(
    mine: dict[str, Any], theirs: dict[str, Any], merged: dict[str, Any]
) -> None:
    def same(one: object, other: object) -> bool:
        return repr(one) == repr(other)

    found = merge.merge(BASE, mine, theirs, same)
    assert json.dumps(found, sort_keys=True) == json.dumps(merged, sort_keys=True)

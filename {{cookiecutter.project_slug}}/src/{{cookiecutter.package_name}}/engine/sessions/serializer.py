"""Turns a session into text and back: Flask's tagged JSON, with more types. Never pickle."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask.json.tag import JSONTag, TaggedJSONSerializer


def tag(name: str, kind: type, write: Any, read: Any) -> type[JSONTag]:
    """A tag for a type: `write` turns a value into JSON, `read` turns it back.

    The items of a list that `write` returns are tagged, too.
    """

    class Tag(JSONTag):
        key = f" {name}"

        def check(self, value: Any) -> bool:
            return isinstance(value, kind)

        def to_json(self, value: Any) -> Any:
            return self.serializer.tag(write(value))

        def to_python(self, value: Any) -> Any:
            return read(value)

    return Tag


class TagItems(tag("items", dict, lambda value: [*value.items()], dict)):  # type: ignore[misc]
    """A mapping with keys other than strings, which JSON would turn into strings."""

    def check(self, value: Any) -> bool:
        return isinstance(value, dict) and not all(isinstance(key, str) for key in value)


class SessionSerializer(TaggedJSONSerializer):
    """Turns a session into text and back, with its types. Equal text means equal sessions."""

    default_tags = [  # noqa: RUF012 (Flask's own has no type either)
        # A datetime is a date, too. Flask's own tag drops microseconds and makes naive times aware.
        tag("datetime", datetime, str, datetime.fromisoformat),
        tag("date", date, str, date.fromisoformat),
        tag("decimal", Decimal, str, Decimal),
        # Sorted, because the order of a set differs between processes, and the text must not.
        tag("set", set, lambda value: sorted(value, key=repr), set),
        TagItems,
        *TaggedJSONSerializer.default_tags,
    ]

    def dumps(self, value: Any) -> str:
        """Raises TypeError for a value that `loads` could not restore."""
        try:
            return json.dumps(self.tag(value), separators=(",", ":"))
        except (RecursionError, TypeError, ValueError) as error:
            raise TypeError(
                "A session cannot hold this value: use JSON's types, tuple, set, bytes, datetime, "
                f"date, Decimal, UUID and Markup, and ids in place of objects. {error}."
            ) from error

    def same(self, one: Any, other: Any) -> bool:
        """Whether both give the same text. `==` would take 1 for True, and Markup for str."""
        return bool(self.dumps(one) == self.dumps(other))

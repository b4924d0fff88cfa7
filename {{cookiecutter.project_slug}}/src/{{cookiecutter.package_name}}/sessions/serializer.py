"""What a session can hold, as text: Flask's tagged JSON, without its losses. Never pickle."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask.json.tag import JSONTag, TaggedJSONSerializer


def tag(name: str, kind: type, write: Any, read: Any) -> type[JSONTag]:
    """A tag for a type, and functions. Of a list that `write` gives, the items are tagged, too."""

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
    """Text that `loads` turns into what was there, and the same text for what has not changed."""

    default_tags = [  # noqa: RUF012 (Flask's own has no type either)
        # A datetime is a date, too. Flask's own tag drops microseconds and makes naive times aware.
        tag("datetime", datetime, str, datetime.fromisoformat),
        tag("date", date, str, date.fromisoformat),
        tag("decimal", Decimal, str, Decimal),
        # In one order, so that the same set is the same text in every process.
        tag("set", set, lambda value: sorted(value, key=repr), set),
        TagItems,
        *TaggedJSONSerializer.default_tags,
    ]

    def dumps(self, value: Any) -> str:
        """Raises TypeError for what would not come back."""
        try:
            return json.dumps(self.tag(value), separators=(",", ":"))
        except (RecursionError, TypeError, ValueError) as error:
            raise TypeError(
                "A session cannot hold this, only what JSON has and tuple, set, bytes, datetime, "
                f"date, Decimal, UUID and Markup: store an id, or the parts of it. {error}."
            ) from error

"""What a session can hold, as text: Flask's tagged JSON, without its losses. Never pickle."""

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask.json.tag import JSONTag, TaggedJSONSerializer


def tag(
    name: str, kind: type, write: Callable[[Any], Any], read: Callable[[Any], Any]
) -> type[JSONTag]:
    """A tag for a type. Of a list that `write` gives, the items are tagged in turn."""

    class Tag(JSONTag):
        key = f" {name}"

        def check(self, value: Any) -> bool:
            return isinstance(value, kind)

        def to_json(self, value: Any) -> Any:
            return self.serializer.tag(write(value))

        def to_python(self, value: Any) -> Any:
            return read(value)

    return Tag


class TagItems(tag("items", dict, lambda value: [[*item] for item in value.items()], dict)):  # type: ignore[misc]
    """A mapping with keys other than strings, which JSON would turn into strings."""

    def check(self, value: Any) -> bool:
        return isinstance(value, dict) and not all(isinstance(key, str) for key in value)


class SessionSerializer(TaggedJSONSerializer):
    """Text that `loads` turns into what was there, and the same text for what has not changed."""

    def __init__(self) -> None:
        super().__init__()
        self.register(tag("date", date, str, date.fromisoformat), index=0)
        # A datetime is a date, too. Flask's own tag drops microseconds and makes naive times aware.
        self.register(tag("datetime", datetime, str, datetime.fromisoformat), index=0)
        self.register(tag("decimal", Decimal, str, Decimal))
        # In one order, so that the same set is the same text in every process.
        self.register(tag("set", set, lambda value: sorted(value, key=repr), set))
        self.register(TagItems, index=0)

    def dumps(self, value: Any) -> str:
        """Raises TypeError for what would not come back."""
        try:
            return json.dumps(self.tag(value), separators=(",", ":"), default=_refuse)
        except (RecursionError, ValueError) as error:
            raise TypeError(f"A session cannot hold this: {error}.") from error

    def loads(self, value: str | bytes) -> Any:
        return self._untag_scan(json.loads(value))


def _refuse(value: object) -> None:
    raise TypeError(
        f"A session cannot hold {type(value).__qualname__} objects, only what JSON has and tuple, "
        "set, bytes, datetime, date, Decimal, UUID and Markup. Store an id, or the parts of it."
    )

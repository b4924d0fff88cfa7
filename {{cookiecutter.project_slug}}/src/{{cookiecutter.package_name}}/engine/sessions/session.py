"""The session object that a request uses, and the session's record in the store."""

import hashlib
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import cached_property
from typing import Any, Self

from flask.sessions import SessionMixin
from werkzeug.exceptions import ServiceUnavailable

from .merge import merge
from .serializer import SessionSerializer
from .stores import Store

ID_BYTES = 32  # of randomness in a session id
ATTEMPTS = 100  # to save; one fails only if another request has saved meanwhile
TOMBSTONE = b""  # in the store, in place of a session that ended, until its id is deleted
PERMANENT = "_permanent"  # Flask's key for `session.permanent`

logger = logging.getLogger(__name__)
serializer = SessionSerializer()


class Session(SessionMixin):
    """Flask's `session`: a dict, loaded from the store when it is first read or changed.

    It has the methods of a dict, the attributes of Flask's session, and `sid`. All other names
    begin with `_`, because in a template `session.data` finds an attribute before a key.
    """

    accessed = False
    """Whether the request used it. Flask sets it."""

    def __init__(self, begin: Callable[[], "Record"]) -> None:
        self._begin = begin
        self._cookie: str | None = None  # the browser's cookie, if this request sends one
        self._modified = False  # set by the app

    @cached_property
    def _record(self) -> "Record":
        return self._begin()

    @property
    def _used(self) -> bool:
        return "_record" in vars(self)

    @property
    def sid(self) -> str:
        """The id in the store; "" before the first save, and after the session has ended."""
        self._load()
        return self._record.sid

    @property
    def new(self) -> bool:  # type: ignore[override]  # it is for reading only
        """Whether the session is not in the store yet."""
        return not self.sid

    @property
    def modified(self) -> bool:
        """Whether this request changed it, at any depth, or set this to True.

        Setting it is never necessary: nested changes are found and saved anyway.
        """
        return self._modified or self._record.written or self._record.changed()

    @modified.setter
    def modified(self, value: bool) -> None:
        self._modified = value

    @property
    def permanent(self) -> bool:
        """Whether the cookie stays when the browser closes: yes, unless the app sets False."""
        return is_permanent(self._load())

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self[PERMANENT] = bool(value)

    def clear(self) -> None:
        """End the session now, for every request. Values that are set later begin a new session."""
        self._record.end()

    def copy(self) -> dict[str, Any]:
        """A plain dict. Changes to it are not saved."""
        return dict(self._load())

    def popitem(self) -> tuple[str, Any]:
        """Remove and return the newest item, as a dict does."""
        return self._load().popitem()

    def _load(self) -> dict[str, Any]:
        return self._record.load()

    def __getitem__(self, key: str) -> Any:
        return self._load()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        """Raises TypeError if no session can hold the value: in the view, not after it."""
        serializer.dumps({key: value})
        self._load()[key] = value

    def __delitem__(self, key: str) -> None:
        del self._load()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._load())

    def __len__(self) -> int:
        return len(self._load())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._load()!r}>"

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return self._load() | dict(other)

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return dict(other) | self._load()

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc]  # it takes pairs, too
        self.update(other)
        return self

    def __copy__(self) -> dict[str, Any]:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return deepcopy(self._load(), memo)


class Record:
    """A session's data in the store, and the changes of one request.

    A request loads the data once, and `save` writes it if it changed. If the store fails, each
    method raises ServiceUnavailable (503), from then until the end of the request, so that no
    request waits for the store twice.
    """

    def __init__(
        self,
        store: Store,
        key_prefix: str,
        sid: str = "",
        renewal_due: bool = False,
        room: Callable[[], bool] = lambda: True,
    ) -> None:
        self.sid = sid  # from the cookie; after `load`, "" if the store has no such session
        self.renewal_due = renewal_due  # the lifetime must start again, in the store and the cookie
        self.cookie_due = False  # the browser must get a cookie: a new id, an end or a renewal
        self.written = False  # this request has saved changes, or ended it
        self.failure: Exception | None = None  # after a failure the store is not asked again
        self._moving = False  # `save` must give it a new id
        self._has_room = room  # the store, for a new session
        self._store = store
        self._key_prefix = key_prefix
        self._data: dict[str, Any] | None = None  # as the request sees it; None until it is loaded
        self._stored: bytes | None = None  # in the store, as this request last saw it
        self._cookie_is_permanent = True  # the cookie that the browser has

    def load(self) -> dict[str, Any]:
        """The data that the request sees and may change."""
        if self._data is None:
            self._data = self._read() or {}
            self._cookie_is_permanent = is_permanent(self._data)
        return self._data

    def changed(self) -> bool:
        """Whether the request changed it since it was last loaded or saved."""
        return self._data is not None and self._encode() != (self._stored or TOMBSTONE)

    def save(self) -> None:
        """Write the changes to the store. Then `cookie_due` says whether to send a cookie.

        Raises TypeError, before it asks the store, if a session cannot hold a value.
        """
        if self._data is None or self.failure:
            return
        if self._moving:
            self._move()
        if self.changed():
            self.written = True
            if self.sid:
                self._update()
            else:
                self._create()
        elif self.sid and self.renewal_due:
            self._renew()
        if self._stored == TOMBSTONE:
            self._bury()
        if self.sid and is_permanent(self._data) != self._cookie_is_permanent:
            self._cookie_is_permanent = is_permanent(self._data)
            self.cookie_due = True

    def move(self) -> None:
        """Make `save` give it a new id and end the old one."""
        self.load()  # `sid` is "" afterwards if the store does not know it
        self._moving = bool(self.sid)

    def end(self) -> None:
        """Delete it at once, so that no other request can save it again."""
        if self.sid:
            self._ask(self._store.delete, self.sid)
            self.cookie_due = self.written = True
        self.sid, self._stored, self._data, self._moving = "", None, {}, False

    def _create(self) -> None:
        """Store it under a new id: never under one that a browser made up."""
        sid, data = secrets.token_urlsafe(ID_BYTES), self._encode()
        if not self._ask(lambda _: self._has_room(), sid):
            self.failure = ServiceUnavailable("There is no room for new visitors.", retry_after=60)
            raise self.failure
        self._ask(self._store.create, sid, data)
        self.sid, self._stored = sid, data
        self.cookie_due, self.renewal_due = True, False

    def _update(self) -> None:
        """Store the changes, or a tombstone if nothing is left."""
        if self._compare_and_set(self._encode):
            self.cookie_due, self.renewal_due = self.cookie_due or self.renewal_due, False
        else:
            if self._data:
                logger.info("Another request ended the session: these changes are dropped.")
            self._data = {}

    def _renew(self) -> None:
        """Store it again as it is, for another lifetime. If that fails, a later request does it."""
        with self._may_fail():
            self._update()
        self.renewal_due = False

    def _move(self) -> None:
        """Copy it to a new id, then end the old one: if the store fails first, nothing is lost.

        If another request ended it meanwhile, this request's changes begin a new session.
        """
        self._moving = False
        copy = Record(self._store, self._key_prefix)

        def copied() -> bytes:
            copy._data = self._data
            copy.save()
            return TOMBSTONE

        if self._compare_and_set(copied):
            self._bury()
            self.sid, self._stored, self.renewal_due = copy.sid, copy._stored, False
        else:
            copy.end()

    def _bury(self) -> None:
        """Delete the tombstone. If that fails, the session has ended anyway."""
        with self._may_fail():
            self._ask(self._store.delete, self.sid)
        self.sid, self._stored, self.cookie_due = "", None, True

    def _compare_and_set(self, make: Callable[[], bytes]) -> bool:
        """Store what `make` returns. After each attempt that fails, merge what others saved.

        False if one of them ended the session.
        """
        for _ in range(ATTEMPTS):
            new = make()
            if self._ask(self._store.replace, self.sid, self._stored, new):
                self._stored = new
                return True
            base = _decode(self._stored) or {}
            theirs = self._read()
            self._data = merge(base, self._data or {}, theirs or {}, serializer.same)
            if theirs is None:
                return False
        raise ServiceUnavailable("Too many requests changed this session at once.", retry_after=1)

    def _read(self) -> dict[str, Any] | None:
        """The session in the store. If there is none, the id is forgotten."""
        self._stored = self._ask(self._store.load, self.sid) if self.sid else None
        data = _decode(self._stored)
        if data is None:
            self.sid, self._stored = "", None
        return data

    def _ask(self, operation: Callable[..., Any], sid: str, *arguments: Any) -> Any:
        """The store's answer. Raises ServiceUnavailable if it fails, or failed before."""
        if self.failure:
            raise self.failure
        # The key holds a hash of the id, so nobody who reads the store can use its sessions.
        key = f"{self._key_prefix}{hashlib.sha256(sid.encode()).hexdigest()}"
        try:
            return operation(key, *arguments)
        except self._store.errors as error:
            reason = str(error).partition("\n")[0]
            logger.error("The session store failed: %s: %s", type(error).__name__, reason)
            self.failure = ServiceUnavailable(
                "Your session is out of reach for the moment. Nothing in it is lost.", retry_after=5
            )
            raise self.failure from error

    @contextmanager
    def _may_fail(self) -> Iterator[None]:
        """Go on if the store fails in this block."""
        try:
            yield
        except ServiceUnavailable:
            self.failure = None

    def _encode(self) -> bytes:
        """The bytes for the store: a tombstone if nothing is left in the session."""
        data = self._data or {}
        return serializer.dumps(data).encode() if data.keys() - {PERMANENT} else TOMBSTONE


def is_permanent(data: Mapping[str, Any]) -> bool:
    return bool(data.get(PERMANENT, True))


def _decode(stored: bytes | None) -> dict[str, Any] | None:
    """None for nothing, for a tombstone, and for bytes that are not a session."""
    if not stored:
        return None
    try:
        return {**serializer.loads(stored.decode())}
    except Exception as error:  # bytes from elsewhere may raise anything
        logger.error("The store holds something that is not a session: %s", type(error).__name__)
        return None

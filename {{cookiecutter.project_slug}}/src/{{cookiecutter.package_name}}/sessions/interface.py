"""Flask's `session`, kept in a store: loaded when first used, saved by compare and set.

Two requests may change a session at the same time. What only one of them changed is kept, dicts
are merged key by key, and where both gave a key another value, the one that is saved later wins.
"""

import hashlib
import logging
import re
import time
from collections import UserDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import Any, Protocol

from flask import Flask, Request, Response, after_this_request
from flask.sessions import SessionMixin
from flask_session.base import ServerSideSessionInterface
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from .serializer import SessionSerializer

logger = logging.getLogger(__name__)

COOKIE = re.compile(r"([\w-]{43})\.([0-9a-f]{1,12})", re.ASCII)  # the id, and when it was sent
RENEWAL = 0.1  # of the lifetime may pass before the cookie, and the store's entry, are renewed
ATTEMPTS = 100  # at a save; each that fails is the success of another request
MOVED = b""  # what takes the place of a session until its old id is deleted
ABSENT: dict[str, Any] = {}  # the value of a key that is not there; merges like any dict


class Store(Protocol):
    """Bytes under keys, for a lifetime. An operation waits 0.4 s at most, then raises `errors`."""

    errors: tuple[type[Exception], ...]

    def load(self, key: str, renew: bool) -> bytes | None:
        """What is there. Its lifetime starts again, at least if `renew`."""

    def create(self, key: str, data: bytes) -> None:
        """Store under a new key."""

    def replace(self, key: str, old: bytes, new: bytes) -> bool:
        """Store, provided that `old`, as it was loaded, is still there. Say whether it was."""

    def delete(self, key: str) -> None: ...

    def ping(self) -> None: ...

    def prune(self) -> int:
        """Remove what has expired; say how many there were. None where it goes by itself."""
        return 0


class Session(UserDict[str, Any], SessionMixin):
    """A dict that is loaded when it is first looked into. `clear` ends it: its id dies."""

    def __init__(self, interface: "SessionInterface", sid: str, due: bool) -> None:
        self.interface = interface
        self.sid = sid  # the id that the store has it under; "" for none
        self.sent = sid  # the id that the browser has
        self.ended = ""  # the id that is to die
        self.due = due  # for renewal
        self.found = MOVED  # in the store
        self.failure: Exception | None = None

    @cached_property
    def data(self) -> dict[str, Any]:  # type: ignore[override]
        return self.interface._retrieve_session_data(self)

    def __setitem__(self, key: str, value: Any) -> None:
        self.interface.serializer.dumps({key: value})  # a TypeError here, not after the view
        super().__setitem__(key, value)

    def clear(self) -> None:
        self.ended, self.sid = self.sid or self.ended, ""
        self.data = {}


class SessionInterface(ServerSideSessionInterface):  # type: ignore[misc]
    """Not to use the session costs no command to the store, to read it one, to write it two."""

    def __init__(self, app: Flask, store: Store) -> None:
        super().__init__(app, key_prefix=app.config["SESSION_KEY_PREFIX"])
        self.store = store
        self.serializer = SessionSerializer()

    def open_session(self, app: Flask, request: Request) -> Session:
        cookie = COOKIE.fullmatch(request.cookies.get(self.get_cookie_name(app), ""))
        sid, sent = cookie.groups() if cookie else ("", "0")
        age = timedelta(seconds=time.time() - int(sent, 16) / 1000)
        due = not timedelta(0) <= age < RENEWAL * app.permanent_session_lifetime
        session = Session(self, sid, due)

        @after_this_request  # and before the app's own functions: they see what is really sent
        def save(response: Response) -> Response:
            try:
                self.save_session(app, session, response)
            except HTTPException as error:
                return app.make_response(app.handle_user_exception(error))
            return response

        return session

    def save_session(self, app: Flask, session: Session, response: Response) -> None:
        """Raises ServiceUnavailable, or TypeError for what was put deep into the session."""
        if session.accessed:
            response.vary.add("Cookie")
        if "data" not in vars(session) or session.failure:
            return
        with self._guard(session):
            self._upsert_session(session)
        name = self.get_cookie_name(app)
        parts = ("domain", "path", "secure", "httponly", "samesite")
        attributes: Any = {part: getattr(self, f"get_cookie_{part}")(app) for part in parts}
        if session.sid and (session.due or session.sid != session.sent):
            value = f"{session.sid}.{int(time.time() * 1000):x}"
            response.set_cookie(name, value, app.permanent_session_lifetime, **attributes)
        elif session.ended and not session.sid:
            response.delete_cookie(name, **attributes)
        session.sent, session.ended, session.due = session.sid, "", False

    def regenerate(self, session: Session) -> None:
        """Move the session to a new id; the old one dies. Raises ServiceUnavailable.

        Copy, then end the old one: what others change meanwhile is not lost.
        """
        if session.data is None or not session.sid:
            return  # it gets an id of its own when it is saved
        with self._guard(session):
            sid, copy = self._generate_sid(self.sid_length), self._encode(session)
            self.store.create(self._get_store_id(sid), copy)
            if not self._swap(session, lambda _: MOVED):  # it has ended: that is not carried on
                session.data = dict(merge(self._decode(session.found), session.data, ABSENT))
            self._delete_session(session.sid)
            session.sid, session.found = sid, copy

    def _retrieve_session_data(self, session: Session) -> dict[str, Any]:
        """Raises ServiceUnavailable. An id that the store does not know is not adopted."""
        if session.sid:
            with self._guard(session):
                key = self._get_store_id(session.sid)
                session.found = self.store.load(key, session.due) or MOVED
        data = self._decode(session.found)
        if data is None:
            session.sid = ""
        return data or {}

    def _upsert_session(self, session: Session) -> None:
        if session.ended:
            self._delete_session(session.ended)
        if not session.sid and session.data:
            session.sid, session.found = self._generate_sid(self.sid_length), self._encode(session)
            self.store.create(self._get_store_id(session.sid), session.found)
        elif session.sid and not self._swap(session, self._encode):
            logger.info("A session ended while a request used it: what that changed is dropped.")
            session.sid, session.data = "", {}  # the cookie stays: it may be a newer one by now

    def _delete_session(self, sid: str) -> None:
        self.store.delete(self._get_store_id(sid))

    def _swap(self, session: Session, new: Callable[[Session], bytes]) -> bool:
        """Compare and set; merge with what others saved meanwhile. False if they ended it."""
        key = self._get_store_id(session.sid)
        for _ in range(ATTEMPTS):
            data = new(session)
            if data == session.found or self.store.replace(key, session.found, data):
                session.found = data
                return True
            found = self.store.load(key, False) or MOVED
            theirs = self._decode(found)
            if theirs is None:
                return False
            session.data = merge(self._decode(session.found), session.data, theirs)
            session.found = found
        raise ServiceUnavailable("Too many requests changed this session at once.", retry_after=1)

    @contextmanager
    def _guard(self, session: Session) -> Iterator[None]:
        """Make a failure of the store a 503, and do not ask it again in the same request."""
        if session.failure:
            raise session.failure
        try:
            yield
        except self.store.errors as error:
            reason = str(error).partition("\n")[0]
            logger.error("The session store failed: %s: %s", type(error).__name__, reason)
            session.failure = ServiceUnavailable(
                "Your session is out of reach for the moment. Nothing in it is lost.", retry_after=5
            )
            raise session.failure from error
        except Exception as error:
            session.failure = error
            raise

    def _get_store_id(self, sid: str) -> str:
        """A key from which nobody learns the cookie."""
        return f"{self.key_prefix}{hashlib.sha256(sid.encode()).hexdigest()}"

    def _encode(self, session: Session) -> bytes:
        return self.serializer.dumps(session.data).encode()

    def _decode(self, data: bytes) -> dict[str, Any] | None:
        """None for what has moved, and for what is no session, whoever put it there."""
        try:
            return {**self.serializer.loads(data)} if data else None
        except Exception as error:  # arbitrary bytes may raise anything
            logger.error("What is stored is no session: %s", type(error).__name__)
            return None


def merge(base: Any, mine: Any, theirs: Any) -> Any:
    """What becomes of `base` when one request made it `mine` and others had made it `theirs`."""
    if theirs == base:
        return mine
    if mine == base:
        return theirs
    if not (isinstance(base, dict) and isinstance(mine, dict) and isinstance(theirs, dict)):
        return mine
    merged = {}
    for key in {**theirs, **mine}:
        value = merge(base.get(key, ABSENT), mine.get(key, ABSENT), theirs.get(key, ABSENT))
        if value is not ABSENT:
            merged[key] = value
    return merged

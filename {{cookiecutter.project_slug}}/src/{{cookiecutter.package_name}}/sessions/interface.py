"""Flask's `session`, kept in a store: loaded when first used, saved by compare and set.

Two requests may change a session at the same time. What only one of them changed is kept, dicts
are merged key by key, and where both gave a key another value, or one removed what the other
changed, the one that is saved later wins.
"""

import hashlib
import logging
import time
from collections import UserDict
from contextlib import suppress
from functools import cached_property
from typing import Any, Protocol

from flask import Flask, Request, Response, after_this_request
from flask.sessions import SessionMixin
from flask_session.base import ServerSideSessionInterface
from werkzeug.exceptions import ServiceUnavailable

from .serializer import SessionSerializer

logger = logging.getLogger(__name__)

RENEWAL = 0.1  # of the lifetime may pass before the cookie, and the store's entry, are renewed
ATTEMPTS = 100  # at a save
COOKIE = ("domain", "path", "secure", "httponly", "samesite", "partitioned")
NOTHING = b""  # takes the place of a session that moved, until its old id is deleted
ABSENT = object()  # the value of a key that is not there


class Store(Protocol):
    """Bytes under keys, for a lifetime. An operation waits 0.4 s at most, then raises `errors`."""

    errors: tuple[type[Exception], ...]

    def load(self, key: str) -> bytes | None: ...

    def create(self, key: str, data: bytes) -> None:
        """Store under a new key."""

    def replace(self, key: str, old: bytes, new: bytes) -> bool:
        """Store for a lifetime, if `old`, as it was loaded, is still there. Say whether it was."""

    def delete(self, key: str) -> None: ...

    def ping(self) -> None: ...


class Session(UserDict[str, Any], SessionMixin):
    """A dict that is loaded when it is first looked into. `clear` ends it: its id dies."""

    def __init__(self, interface: "SessionInterface", sid: str, sent: str | None) -> None:
        self.interface = interface
        self.sid = sid  # the id that the store has it under; "" for none
        self.sent = sent  # the id that the browser has; None if its cookie is to be renewed
        self.cookie = ""  # the value that this request gives it
        self.found = NOTHING  # in the store
        self.moves = False  # to a new id, at the save
        self.failure: Exception | None = None

    @cached_property
    def data(self) -> dict[str, Any]:  # type: ignore[override]
        return self.interface._retrieve_session_data(self)

    def __setitem__(self, key: str, value: Any) -> None:
        self.interface.serializer.dumps({key: value})  # a TypeError here, not after the view
        super().__setitem__(key, value)

    def copy(self) -> dict[str, Any]:  # type: ignore[override]
        return dict(self.data)  # whose `clear` ends nothing

    __copy__ = copy  # type: ignore[assignment]

    def clear(self) -> None:
        self.interface._delete_session(self)
        self.data = {}


class SessionInterface(ServerSideSessionInterface):  # type: ignore[misc]
    """An unused session costs no command to the store, to read it one, to write or renew it two."""

    def __init__(self, app: Flask, store: Store) -> None:
        super().__init__(app, key_prefix=app.config["SESSION_KEY_PREFIX"])
        self.store = store
        self.serializer = SessionSerializer()

    def open_session(self, app: Flask, request: Request) -> Session:
        sid, _, sent = request.cookies.get(self.get_cookie_name(app), "").partition(".")
        now, lifetime = time.time(), app.permanent_session_lifetime.total_seconds()
        # Compared as texts, for a browser may send anything.
        fresh = f"{now - RENEWAL * lifetime:.0f}" < sent <= f"{now:.0f}"
        session = Session(self, sid, sid if fresh else None)

        @after_this_request  # and before the app's own functions: they see what is really sent
        def save(response: Response) -> Response:
            try:
                self.save_session(app, session, response)
            except Exception as error:
                session.failure = error  # and is not to happen again at the page that tells it
                return app.make_response(app.handle_user_exception(error))
            return response

        return session

    def save_session(self, app: Flask, session: Session, response: Response) -> None:
        """Raises ServiceUnavailable, or TypeError for what was put deep into the session."""
        if session.accessed:
            response.vary.add("Cookie")
        if "data" in vars(session) and not session.failure:
            self._save_data(session)
            if session.sid != session.sent:
                session.sent, session.cookie = session.sid, f"{session.sid}.{time.time():.0f}"
        # A response may have taken the place of the one that carried the cookie.
        carried = response.headers.getlist("Set-Cookie")
        if session.cookie and not any(session.cookie in cookie for cookie in carried):
            response.set_cookie(
                self.get_cookie_name(app),
                session.cookie,
                max_age=app.permanent_session_lifetime if session.sid else 0,
                **{name: getattr(self, f"get_cookie_{name}")(app) for name in COOKIE},
            )

    def regenerate(self, session: Session) -> None:
        """Have the save give it a new id, take along what others saved until then, and end this."""
        _ = session.data  # loaded, which tells whether the id leads anywhere
        session.moves = bool(session.sid)

    def _save_data(self, session: Session) -> None:
        if session.moves:
            self._move_session(session)
        if session.sid:
            try:
                self._upsert_session(session)
            except ServiceUnavailable:
                if self._encode(session) != session.found:
                    raise
                session.sent, session.failure = session.sid, None  # a renewal, which can wait
            if not session.sid:
                logger.info("A session ended while a request used it: its changes are dropped.")
                session.data = {}
        elif session.data.keys() - {"_permanent"}:
            self._create_session(session)

    def _create_session(self, session: Session) -> None:
        session.sid, session.found = self._generate_sid(self.sid_length), self._encode(session)
        self._ask(session, "create", session.found)

    def _move_session(self, session: Session) -> None:
        """Copy it to a new id, and only then end the old one: if that fails, nothing is lost."""
        old = Session(self, session.sid, session.sid)
        old.found, old.data = session.found, session.data
        session.sent, session.moves = "", False
        self._create_session(session)
        self._upsert_session(old, session)
        if not old.sid:  # another request ended it: what this one has changed begins a new one
            self._delete_session(session)
            session.data = old.data
        with suppress(ServiceUnavailable):  # the old id leads to NOTHING already
            self._delete_session(old)

    def _retrieve_session_data(self, session: Session) -> dict[str, Any]:
        """What is stored, with this request's changes. An id that leads to nothing is not kept."""
        base, mine = self._decode(session.found), vars(session).get("data", {})
        if session.sid:
            session.found = self._ask(session, "load") or NOTHING
        theirs = self._decode(session.found)
        if theirs is None:
            session.sid = session.sent = ""  # the cookie stays: it may be a newer one by now
        return dict(self._merge(base or {}, mine, theirs or {}))

    def _upsert_session(self, session: Session, copy: Session | None = None) -> None:
        """Compare and set, merging what others save, unless they end it. Or end it, for a copy."""
        for _ in range(ATTEMPTS):  # each that fails is the success of another request
            data = NOTHING if copy else self._encode(session)
            kept = data == session.found and session.sent is not None  # and no renewal is due
            if kept or self._ask(session, "replace", session.found, data):
                session.found = data
                return
            session.data = self._retrieve_session_data(session)
            if not session.sid:
                return
            if copy:
                copy.data = session.data
                self._upsert_session(copy)
        raise ServiceUnavailable("Too many requests changed this session at once.", retry_after=1)

    def _delete_session(self, session: Session) -> None:
        if session.sid:
            self._ask(session, "delete")
        session.sid, session.moves = "", False

    def _ask(self, session: Session, operation: str, *arguments: Any) -> Any:
        """The store's answer. If it fails, that is a 503, and it is not asked again."""
        if session.failure:
            raise session.failure
        try:
            return getattr(self.store, operation)(self._get_store_id(session.sid), *arguments)
        except self.store.errors as error:
            reason = str(error).partition("\n")[0]
            logger.error("The session store failed: %s: %s", type(error).__name__, reason)
            session.failure = ServiceUnavailable(
                "Your session is out of reach for the moment. Nothing in it is lost.", retry_after=5
            )
            raise session.failure from error

    def _get_store_id(self, sid: str) -> str:
        """A key from which nobody learns the cookie."""
        return f"{self.key_prefix}{hashlib.sha256(sid.encode()).hexdigest()}"

    def _encode(self, session: Session) -> bytes:
        return self.serializer.dumps(session.data).encode()

    def _decode(self, data: bytes) -> dict[str, Any] | None:
        """None for what has moved, and for what is no session, whoever put it there."""
        try:
            return {**self.serializer.loads(data.decode())} if data else None
        except Exception as error:  # arbitrary bytes may raise anything
            logger.error("What is stored is no session: %s", type(error).__name__)
            return None

    def _merge(self, base: Any, mine: Any, theirs: Any) -> Any:
        """What becomes of `base` when one request made it `mine`, and others `theirs` before."""
        if self._same(mine, base):
            return theirs
        if self._same(theirs, base):
            return mine
        base = {} if base is ABSENT else base  # a dict that both began
        if not all(isinstance(side, dict) for side in (base, mine, theirs)):
            return mine
        merged = {
            key: self._merge(*(side.get(key, ABSENT) for side in (base, mine, theirs)))
            for key in {**theirs, **mine}
        }
        return {key: value for key, value in merged.items() if value is not ABSENT}

    def _same(self, one: Any, other: Any) -> bool:
        """Whether they are stored alike: 1 is not True."""
        if one is ABSENT or other is ABSENT:
            return one is other
        return bool(self.serializer.dumps(one) == self.serializer.dumps(other))

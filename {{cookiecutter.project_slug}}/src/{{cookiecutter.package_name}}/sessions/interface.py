"""Flask's `session`, kept in a store: loaded when first used, saved by compare and set.

Two requests may change a session at the same time. What only one of them changed is kept, dicts
are merged key by key, and where both gave a key another value, the one that is saved later wins.
"""

import hashlib
import logging
import time
from collections import UserDict
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
NOTHING = b""  # takes the place of a session that moves, until its old id is deleted
ABSENT = object()  # the value of a key that is not there; merges like an empty dict


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


class Session(UserDict[str, Any], SessionMixin):
    """A dict that is loaded when it is first looked into. `clear` ends it: its id dies."""

    def __init__(self, interface: "SessionInterface", sid: str, sent: str | None) -> None:
        self.interface = interface
        self.sid = sid  # the id that the store has it under; "" for none
        self.sent = sent  # the id that the browser has; None if its cookie is to be renewed
        self.found = NOTHING  # in the store
        self.failure: Exception | None = None

    @cached_property
    def data(self) -> dict[str, Any]:  # type: ignore[override]
        return self.interface._retrieve_session_data(self)

    def __setitem__(self, key: str, value: Any) -> None:
        self.interface.serializer.dumps({key: value})  # a TypeError here, not after the view
        super().__setitem__(key, value)

    def clear(self) -> None:
        self.interface._delete_session(self)
        self.data = {}


class SessionInterface(ServerSideSessionInterface):  # type: ignore[misc]
    """Not to use the session costs no command to the store, to read it one, to write it two."""

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
        if "data" not in vars(session) or session.failure:
            return
        if session.sid:
            self._upsert_session(session)
            if not session.sid:
                logger.info("A session ended while a request used it: its changes are dropped.")
                session.data = {}
        elif session.data:
            session.sid, session.found = self._generate_sid(self.sid_length), self._encode(session)
            self._ask(session, "create", session.found)
        if session.sid != session.sent:
            response.set_cookie(
                self.get_cookie_name(app),
                f"{session.sid}.{time.time():.0f}",
                max_age=app.permanent_session_lifetime if session.sid else 0,
                domain=self.get_cookie_domain(app),
                path=self.get_cookie_path(app),
                secure=self.get_cookie_secure(app),
                httponly=self.get_cookie_httponly(app),
                samesite=self.get_cookie_samesite(app),
            )
            session.sent = session.sid

    def regenerate(self, session: Session) -> None:
        """End the old id, and take along what others saved until now. The save gives a new one."""
        _ = session.data  # loaded, which tells whether the id leads anywhere
        if session.sid:
            self._upsert_session(session, end=True)
            self._delete_session(session)

    def _retrieve_session_data(self, session: Session) -> dict[str, Any]:
        """What is stored, with this request's changes. An id that leads to nothing is not kept."""
        base, mine = self._decode(session.found), vars(session).get("data", {})
        if session.sid:
            session.found = self._ask(session, "load", session.sid != session.sent) or NOTHING
        theirs = self._decode(session.found)
        if theirs is None:
            session.sid = session.sent = ""  # the cookie stays: it may be a newer one by now
        return dict(merge(base or {}, mine, theirs or {}))

    def _upsert_session(self, session: Session, end: bool = False) -> None:
        """Compare and set; merge with what others saved meanwhile, unless they ended it."""
        for _ in range(ATTEMPTS):  # each that fails is the success of another request
            data = NOTHING if end else self._encode(session)
            if data == session.found or self._ask(session, "replace", session.found, data):
                session.found = data
                return
            session.data = self._retrieve_session_data(session)
            if not session.sid:
                return
        raise ServiceUnavailable("Too many requests changed this session at once.", retry_after=1)

    def _delete_session(self, session: Session) -> None:
        if session.sid:
            self._ask(session, "delete")
        session.sid = ""

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


def merge(base: Any, mine: Any, theirs: Any) -> Any:
    """What becomes of `base` when one request made it `mine` and others had made it `theirs`."""
    if theirs == base:
        return mine
    if mine == base:
        return theirs
    sides = [{} if side is ABSENT else side for side in (base, mine, theirs)]
    if not all(isinstance(side, dict) for side in sides):
        return mine
    keys = {**sides[2], **sides[1]}
    merged = {key: merge(*(side.get(key, ABSENT) for side in sides)) for key in keys}
    return {key: value for key, value in merged.items() if value is not ABSENT}

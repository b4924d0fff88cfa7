"""Flask's `session` in a store: the cookie holds an id, the store holds the data.

Requests may use the same session at the same time: two tabs, the scripts of a page, a slow request
and the next one. No request waits for another. Each sees the session as it was when the request
first used it. Their changes are saved by these rules, on every store:

* Changes to different keys are all kept, and so are changes inside dicts, at any depth. A save is a
  compare and set: if another request saved first, both are merged, and the save is tried again.
* When two requests change the same key, or one removes what the other changes, the request that
  is saved last wins. A list is one value.
* `session.clear()` ends the session at that moment: it is deleted from the store. Another request
  that uses it can still read it, but its changes are dropped. It cannot bring the session back,
  and it does not change the cookie, which may belong to a newer session.
* A session from which the last key was removed ends when the request is saved, unless another
  request put something into it meanwhile.
* `regenerate(session)` gives it a new id when the request is saved. Changes that other requests
  saved before that are kept. Later ones are dropped, because the old id has ended.

A request that does not use the session sends no command to the store. Reading takes one command,
writing two, `clear` one. The first use after a tenth of the lifetime renews the cookie and the
lifetime in the store.

If the store fails, requests that use the session get 503 with Retry-After.
"""

import logging
import math
import secrets
import time
from importlib import import_module
from typing import Any, cast

from flask import Flask, Request, Response, after_this_request, has_request_context
from flask.sessions import SessionInterface, SessionMixin
from prometheus_client import CollectorRegistry

from ..metrics import Watched
from ..page import join_lines
from . import stores
from .cookies import cookies_of
from .session import Record, Session
from .stores import Store

PROBES = 16  # keys, if there are several servers
ASK_EVERY = 1.0  # seconds
RENEWAL = 0.1  # of the lifetime, after which the cookie and the store's record are renewed

logger = logging.getLogger(__name__)


class StoredSessions(SessionInterface):
    """Flask's SessionInterface with a store.

    It does not derive from Flask-Session's interface, because that one reads the store at each
    request, overwrites changes of other requests, falls back to pickle, and has no public hooks.
    Flask-Session's public names work: `session.sid`, `app.session_interface.regenerate(session)`
    and SESSION_KEY_PREFIX.
    """

    unneeded_for_hits = True  # a page from the cache uses no session

    def __init__(self, store: Store, key_prefix: str) -> None:
        self.store = store
        self.key_prefix = key_prefix  # for the store's keys, before the hash of the id
        self._full = False
        self._asked = -math.inf  # when the store was last asked how full it is

    def regenerate(self, session: SessionMixin) -> None:
        """Give the session a new id when the request is saved. Call it at every login."""
        _ours(session)._record.move()

    @property
    def commands(self) -> list[Any]:
        """`flask sessions …`, for `app.cli.add_command`, if the store needs it."""
        if not hasattr(self.store, "prune"):
            return []
        return [import_module(".commands", __package__).session_commands]

    def watch(self, app: Flask, registry: CollectorRegistry) -> None:
        """Add the store's operations to the metrics of a registry."""
        self.store = cast(Store, Watched("sessions", self.store, app, registry))

    def ping(self) -> bool:
        """Whether the store keeps sessions and returns them. Raises the errors of its client.

        It does what requests do: a store that is full, or became a replica, may still be read.
        """
        name = f"{self.key_prefix}probe:{secrets.token_hex(8)}"
        # Of several servers each gets some of the keys.
        keys = [f"{name}{number}" for number in range(PROBES if self.store.spread else 1)]
        for key in keys:
            self.store.create(key, b"probe")
        found = [self.store.load(key) for key in keys]
        for key in keys:
            self.store.delete(key)
        return found == [b"probe"] * len(keys)

    def has_room(self) -> bool:
        """Whether new sessions may begin. Asks the store once a second. Raises its errors.

        Somebody may send many requests without a cookie, and each begins a session. They must not
        take the room that the sessions of others need for their changes.
        """
        if time.monotonic() > self._asked + ASK_EVERY:
            before, self._full = self._full, self.store.used() > stores.ROOM
            self._asked = time.monotonic()
            if self._full and not before:
                logger.error("The session store is nearly full: no new sessions begin.")
        return not self._full

    def open_session(self, app: Flask, request: Request) -> Session:
        """A session that reads its cookie and asks the store when it is first used.

        The cookie is `<id>.<Unix time at which it was sent>`.
        """

        def begin() -> Record:
            sid, _, sent_at = cookies_of(request).get(self.get_cookie_name(app), "").partition(".")
            due = not _is_recent(app, sent_at)
            if has_request_context():
                after_this_request(save)  # before `after_request`: those functions see the outcome
            return Record(self.store, self.key_prefix, sid, due, self.has_room)

        def save(response: Response) -> Response:
            try:
                self.save_session(app, session, response)
            except Exception as error:
                session._record.failure = error  # so that the error page does not fail again
                return app.make_response(app.handle_user_exception(error))
            return response

        session = Session(begin)
        return session

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Save the session, and send the browser a cookie if one is due.

        Raises ServiceUnavailable if the store fails, TypeError if it cannot hold the session.
        """
        ours = _ours(session)
        if session.accessed:
            join_lines(response.headers)
            response.vary.add("Cookie")
        if not ours._used:
            return
        record = ours._record
        record.save()
        if record.cookie_due:
            ours._cookie = f"{record.sid}.{time.time():.0f}" if record.sid else ""
            record.cookie_due = False
        # An error page may have replaced the response that carried the cookie.
        begin = f"{self.get_cookie_name(app)}={ours._cookie};"
        carried = response.headers.getlist("Set-Cookie")
        if ours._cookie is not None and not any(cookie.startswith(begin) for cookie in carried):
            self._set_cookie(app, ours, response)

    def _set_cookie(self, app: Flask, session: Session, response: Response) -> None:
        if not session.sid:
            max_age = 0  # seconds: the browser deletes it
        elif session.permanent:
            max_age = int(app.permanent_session_lifetime.total_seconds())
        else:
            max_age = None  # until the browser is closed
        response.set_cookie(
            self.get_cookie_name(app),
            session._cookie or "",
            max_age=max_age,
            domain=self.get_cookie_domain(app),
            path=self.get_cookie_path(app),
            secure=self.get_cookie_secure(app),
            httponly=self.get_cookie_httponly(app),
            samesite=self.get_cookie_samesite(app),
            partitioned=self.get_cookie_partitioned(app),
        )


def _is_recent(app: Flask, sent_at: str) -> bool:
    """Whether the cookie was sent a short while ago: not long ago, and not in the future."""
    now, lifetime = time.time(), app.permanent_session_lifetime.total_seconds()
    # Compared as text, because a browser may send anything.
    return f"{now - RENEWAL * lifetime:.0f}" < sent_at <= f"{now:.0f}"


def _ours(session: SessionMixin) -> Session:
    """The same session, typed: `open_session` makes every session of this app."""
    return cast(Session, session)

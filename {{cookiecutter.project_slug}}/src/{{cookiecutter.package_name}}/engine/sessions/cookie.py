"""Flask's own session in the browser's cookie, signed with SECRET_KEY. Anybody can read it."""

import time
from datetime import UTC, datetime

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

from .serializer import SessionSerializer

RENEWAL = 0.1  # of the lifetime, after which the cookie is renewed
PERMANENT = "_permanent"  # Flask's key for `session.permanent`


class CookieSession(SecureCookieSession):
    """Flask's session, but permanent unless the app sets `session.permanent = False`."""

    @property
    def permanent(self) -> bool:
        return bool(self.get(PERMANENT, True))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self[PERMANENT] = bool(value)


class CookieSessions(SecureCookieSessionInterface):
    """Flask's interface, but the lifetime counts from the last use, and nested changes are saved.

    There is no store, so a copy of the cookie stays valid until it expires, even after a logout.
    When two requests change the session at the same time, the changes of one are lost.
    """

    unneeded_for_hits = True  # a page from the cache uses no session
    serializer = SessionSerializer()
    session_class = CookieSession

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read the cookie, if there is one."""
        if app.secret_key and self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def regenerate(self, session: SessionMixin) -> None:
        """Sign the cookie again. It holds no id that an attacker could have chosen."""
        session.modified = True

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Save the session. If it is empty it ends, and the browser deletes its cookie."""
        if not session.accessed and not session.modified:
            return
        if not session.keys() - {PERMANENT}:
            ended = session.modified and self.get_cookie_name(app) in request.cookies
            session.clear()
            session.modified = ended
        super().save_session(app, session, response)

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Yes if the session changed, or if it was used and its cookie is due for a renewal."""
        signer = self.get_signing_serializer(app)
        value = request.cookies.get(self.get_cookie_name(app))
        if session.modified or not session.accessed or not signer or not value:
            return session.modified
        found, sent_at = signer.loads(value, return_timestamp=True)
        renewal = sent_at + RENEWAL * app.permanent_session_lifetime
        same = self.serializer.same(found, dict(session))
        return not same or bool(renewal.timestamp() < time.time())

    def get_expiration_time(self, app: Flask, session: SessionMixin) -> datetime | None:
        """Now plus the lifetime; None, until the browser is closed, if it is not permanent."""
        return datetime.now(UTC) + app.permanent_session_lifetime if session.permanent else None

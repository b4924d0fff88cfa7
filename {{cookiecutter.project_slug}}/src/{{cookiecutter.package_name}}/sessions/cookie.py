"""Flask's own session in the browser's cookie, signed with SECRET_KEY. Anybody can read it."""

import time
from datetime import UTC, datetime

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

from .serializer import SessionSerializer

RENEWAL = 0.1  # of the lifetime may pass before the cookie is renewed


class SessionInterface(SecureCookieSessionInterface):
    """Flask's, with the lifetime counted from the last visit and nested changes noticed.

    There is no store: nothing can end a session whose cookie somebody has kept, and of two
    requests that change it at the same time one is lost.
    """

    serializer = SessionSerializer()

    def get_expiration_time(self, app: Flask, session: SessionMixin) -> datetime:
        return datetime.now(UTC) + app.permanent_session_lifetime

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """If it was changed, or read a while after it was sent. Not at each request."""
        signer = self.get_signing_serializer(app)
        value = request.cookies.get(self.get_cookie_name(app))
        if session.modified or not session.accessed or not signer or not value:
            return session.modified
        found, sent = signer.loads(value, return_timestamp=True)
        renewal = sent + RENEWAL * app.permanent_session_lifetime
        changed = self.serializer.dumps(found) != self.serializer.dumps(session)  # 1 is not True
        return changed or bool(renewal.timestamp() < time.time())

    def regenerate(self, session: SessionMixin) -> None:
        """Sign it anew. There is no id that somebody else could have set."""
        session.modified = True

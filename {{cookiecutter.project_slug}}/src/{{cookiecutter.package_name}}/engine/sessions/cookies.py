"""The cookies of a request, if they can be read."""

from collections.abc import Mapping
from typing import Any

from flask import Request
from werkzeug.exceptions import BadRequest


class UnreadableCookies(BadRequest):
    """Granian drops all cookies of a request if one of them has a character other than ASCII.

    To begin a new session each time would help nobody. The browser deletes the cookies, if it is
    connected by TLS, and its next request has a session again.
    """

    description = (
        "One of your cookies has a character that is not ASCII, so none of them can be read. "
        "Delete the cookies of this site, or reload the page."
    )

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        return [*super().get_headers(*args, **kwargs), ("Clear-Site-Data", '"cookies"')]


def cookies_of(request: Request) -> Mapping[str, str]:
    """Raises UnreadableCookies."""
    if request.environ.get("HTTP_COOKIE") == "":
        raise UnreadableCookies
    return request.cookies

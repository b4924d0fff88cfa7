"""Decides about a page when its answer is sent, after all functions of the app."""

from werkzeug.datastructures import Headers

from ..middleware import Decision, current


def when_sent(decide: Decision) -> None:
    """Call `decide` with status and headers of this request's answer as it is sent.

    It may change the headers. If no answer is sent, the status is None.
    """
    if visit := current.get():
        visit.decisions.append(decide)
    else:
        decide(None, Headers())

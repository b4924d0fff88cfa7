"""Goes into a generated project and runs there: visitors log out while requests of theirs go on.

One worker of the service is slow, in another one they log out: each has connections of its own.
"""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from threading import Barrier, Event

from flask import Flask, session
from my_service import create_app  # type: ignore[import-not-found]
from werkzeug.exceptions import ServiceUnavailable

ROUNDS = 1000

slow, quick = create_app(), create_app()
begun, end = Barrier(3), Event()  # of the two requests that go on


def look() -> str:
    return str(session.get("user"))


def log_in() -> str:
    session.update(user="alice", cart={})
    return look()


def log_out() -> str:
    session.clear()
    return look()


def read() -> str:
    with suppress(ServiceUnavailable):
        look()
    begun.wait(30)
    end.wait(30)
    return look()


def write() -> str:
    read()
    session["cart"]["1"] = 1
    return look()


for app in (slow, quick):
    for view in (look, log_in, log_out, read, write):
        app.add_url_rule(f"/{view.__name__}", view_func=view)


def ask(app: Flask, path: str, cookie: str) -> str:
    client = app.test_client()
    client.set_cookie(app.config["SESSION_COOKIE_NAME"], cookie)
    return str(client.get(path).text)


def log_out_meanwhile(at_once: bool, threads: ThreadPoolExecutor) -> list[str]:
    """Whom the reader, the writer, the logout, and then a request with the same cookie see."""
    visitor = quick.test_client()
    visitor.get("/log_in")
    cookie = visitor.get_cookie(quick.config["SESSION_COOKIE_NAME"]).value
    end.clear()
    seen = [threads.submit(ask, slow, path, cookie) for path in ("/read", "/write")]
    begun.wait(30)
    if at_once:
        end.set()
    gone = ask(quick, "/log_out", cookie)
    end.set()
    return [*(answer.result() for answer in seen), gone, ask(slow, "/look", cookie)]


def survivals(threads: ThreadPoolExecutor) -> Iterator[bool]:
    """One for each round, without those in which the machine was too busy to answer in time."""
    for number in range(2 * ROUNDS):
        *others, who = log_out_meanwhile(bool(number % 2), threads)
        if others == ["alice", "alice", "None"] and who in ("alice", "None"):
            yield who == "alice"


with ThreadPoolExecutor(2) as threads:
    survived = list(islice(survivals(threads), ROUNDS))
logging.shutdown()  # which writes the last lines of the log
print(json.dumps({"rounds": len(survived), "survivors": sum(survived)}))

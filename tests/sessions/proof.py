"""Goes into a generated project and runs there: visitors log out while requests of theirs go on.

One worker of the service is slow, in another one they log out: each has connections of its own.
"""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

from flask import Flask, session
from my_service import create_app  # type: ignore[import-not-found]

from tests.engine.apart import patience  # type: ignore[import-not-found]

ROUNDS = 1000

patient = patience()  # a busy machine is no outage
patient.__enter__()
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


with ThreadPoolExecutor(2) as threads:
    seen = [log_out_meanwhile(bool(number % 2), threads) for number in range(ROUNDS)]
logging.shutdown()  # which writes the last lines of the log
assert [others for *others, _ in seen] == [["alice", "alice", "None"]] * ROUNDS, seen
print(json.dumps({"rounds": ROUNDS, "survivors": sum(who != "None" for *_, who in seen)}))

"""What a service is asked: by wrk as much as it can answer, by a herd, and beside slow clients."""

import itertools
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection

import httpx

CONNECTIONS = 8  # and as many visitors, so that nobody's requests wait for each other
HERD = 50
FRESH = 1  # seconds that the page at /slow is fresh

GENERATED, TUTORIAL, BARE = "generated", "the tutorial way", "bare Flask"  # kinds of service

# Requests that differ in the visitor only are made once: the load shares the processors.
SCRIPT = """
wrk.method, wrk.body = {method!r}, {body}
for name, value in pairs({{{headers}}}) do wrk.headers[name] = value end
local path, cookies, number, made = {path!r}, {{{cookies}}}, {start}, {{}}
function request()
  number = number + 1
  local visitor = number % {connections} + 1
  if made[visitor] then return made[visitor] end
  wrk.headers.Cookie = cookies[visitor]
  local answer, varies = path:gsub("NUMBER", number)
  answer = wrk.format(nil, answer)
  if varies == 0 then made[visitor] = answer end
  return answer
end
function done(summary)
  local failed = 0
  for _, errors in pairs(summary.errors) do failed = failed + errors end
  io.write(string.format("%d %d %d\\n", summary.requests, summary.duration, failed))
end
"""


@dataclass(frozen=True)
class Case:
    """A row of the table: one kind of request. NUMBER in the path is another one each time."""

    name: str
    path: str
    cookie: bool = True  # whether the visitors have sessions
    kinds: tuple[str, ...] = (GENERATED, TUTORIAL)  # the services that can be asked
    headers: Mapping[str, str] = field(default_factory=dict)
    form: str = ""  # if there is one, it is posted


FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "{url}"}
PAGE = Case("page", "/", cookie=False, kinds=(GENERATED, TUTORIAL, BARE))
VISITOR = Case("page, with a session cookie", "/")
UNCHANGED = Case(
    "page that the browser has (304)", "/", False, (GENERATED,), {"If-None-Match": "{etag}"}
)
LIVEZ = Case("`/livez`", "/livez", cookie=False, kinds=(GENERATED,))
CASES = [
    PAGE,
    VISITOR,
    UNCHANGED,
    Case("page that is not cached", "/?q=NUMBER"),
    Case("JSON", "/api/products"),
    Case("session read", "/cart/summary"),
    Case("session write", "/cart/add", headers=FORM, form="product_id=2&quantity=1"),
    LIVEZ,
]


@dataclass
class Service:
    """A service that runs, and what it was measured at."""

    name: str
    kind: str
    url: str
    cookies: list[str] = field(default_factory=list)  # of its visitors
    etag: str = ""  # of its page
    seen: dict[str, list[float]] = field(default_factory=dict)  # by row, one figure a round

    def prepare(self) -> None:
        """Become a few visitors with something in the cart, who have seen the page."""
        self.etag = httpx.get(self.url).headers.get("ETag", "")
        for _ in range(CONNECTIONS if self.kind != BARE else 0):
            with httpx.Client(base_url=self.url, headers={"Origin": self.url}) as visitor:
                added = visitor.post("/cart/add", data={"product_id": 1})
                cookie = added.headers["Set-Cookie"].partition(";")[0]
                summary = visitor.get("/cart/summary", headers={"Cookie": cookie}).json()
                assert summary["count"], f"{self.name} has forgotten a visitor"
                self.cookies.append(cookie)

    def ask(self, case: Case, seconds: int) -> None:
        if self.kind in case.kinds:
            self._note(case.name, requests_per_second(self, case, seconds))

    def meet_herds(self) -> None:
        if self.kind == BARE:
            return
        path = f"/slow?q={time.time_ns()}"
        new, slowest = herd(self, path)
        self._note("herd at a new page: computations", len(new))
        self._note("herd at a new page: slowest, seconds", slowest)
        time.sleep(FRESH + 0.1)
        renewed, slowest = herd(self, path)
        self._note("herd at an expired page: computations", len(renewed - new))
        self._note("herd at an expired page: slowest, seconds", slowest)

    def meet_slow_clients(self) -> None:
        self._note("beside slow clients: slowest, seconds", beside_slow_clients(self))

    def connection(self) -> HTTPConnection:
        return HTTPConnection(self.url.removeprefix("http://"), timeout=5)

    def _note(self, row: str, figure: float) -> None:
        self.seen.setdefault(row, []).append(float(f"{figure:.4g}"))


def requests_per_second(service: Service, case: Case, seconds: int) -> float:
    headers = {name: value.format(**vars(service)) for name, value in case.headers.items()}
    script = SCRIPT.format(
        method="POST" if case.form else "GET",
        body=repr(case.form) if case.form else "nil",
        headers=", ".join(f"[{name!r}]={value!r}" for name, value in headers.items()),
        path=case.path,
        cookies=", ".join(map(repr, service.cookies if case.cookie else ())),
        connections=CONNECTIONS,
        start=time.time_ns() // 1000 % 10**9,  # Lua writes larger numbers with an exponent
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", file.name, service.url]
        done = subprocess.run(["wrk", *options], capture_output=True, text=True, check=True)
    requests, microseconds, failed = map(int, done.stdout.splitlines()[-1].split())
    assert not failed, f"{service.name}, {case.name}: {failed} of {requests} failed"
    return requests / microseconds * 1e6


def herd(service: Service, path: str) -> tuple[set[bytes], float]:
    """50 requests at once: the different answers, and the seconds that the slowest took.

    Each computation of /slow gives another answer.
    """
    together = threading.Barrier(HERD)

    def ask(_: int) -> tuple[bytes, float]:
        connection = service.connection()
        connection.connect()
        together.wait()
        begun = time.monotonic()
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, f"{service.name}, {path}: {answer.status}"
        return body, time.monotonic() - begun

    with ThreadPoolExecutor(HERD) as pool:
        bodies, seconds = zip(*pool.map(ask, range(HERD)), strict=True)
    return set(bodies), max(seconds)


def beside_slow_clients(service: Service) -> float:
    """The slowest of ten requests, in seconds, while 50 clients send a byte a second each.

    A request that has no answer after 5 seconds is the last one.
    """
    host, _, port = service.url.removeprefix("http://").partition(":")
    clients = [socket.create_connection((host, int(port))) for _ in range(HERD)]
    ended = threading.Event()

    def dawdle() -> None:
        for letter in itertools.chain("GET / HTTP/1.1\r\nX: ", itertools.repeat("x")):
            for client in clients:
                with suppress(OSError):
                    client.sendall(letter.encode())
            if ended.wait(1):
                return

    thread = threading.Thread(target=dawdle)
    thread.start()
    slowest = 0.0
    with suppress(TimeoutError):
        for _ in range(10):
            time.sleep(0.1)
            begun = time.monotonic()
            try:
                connection = service.connection()
                connection.request("GET", "/")
                connection.getresponse().read()
            finally:
                slowest = max(slowest, time.monotonic() - begun)
    ended.set()
    thread.join()
    for client in clients:
        client.close()
    return slowest

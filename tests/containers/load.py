"""Steady load on a service, and what became of each request."""

import http.client
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import cycle
from typing import ClassVar, NamedTuple, Self
from urllib.parse import urlencode

from tests.processes import wait_until

PATIENCE = 60  # seconds until a client gives up: more than anything takes
IN_A_ROW = 3  # answers that every client likes, until the service counts as recovered
REFUSED, CUT_OFF = "refused", "cut off"  # for want of a status: before, and after it connected


class Request(NamedTuple):
    path: str
    form: dict[str, int] | None = None
    cookie: str = ""


@dataclass(frozen=True)
class Answer:
    begun: float  # of time.monotonic()
    ended: float
    status: str
    headers: http.client.HTTPMessage
    body: bytes = b""

    @property
    def seconds(self) -> float:
        return self.ended - self.begun


def ask(port: int, request: Request, host: str = "127.0.0.1") -> Answer:
    """What comes of a request on a connection of its own. Never raises."""
    begun = time.monotonic()
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    headers = {"Connection": "close", "Content-Type": "application/x-www-form-urlencoded"}
    if request.cookie:
        headers["Cookie"] = request.cookie
    status, given, body = REFUSED, http.client.HTTPMessage(), b""
    try:
        connection.connect()
        status = CUT_OFF
        method = "GET" if request.form is None else "POST"
        connection.request(method, request.path, urlencode(request.form or {}), headers)
        response = connection.getresponse()
        given, body = response.headers, response.read()  # raises when Content-Length is not met
        status = str(response.status)
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()
    return Answer(begun, time.monotonic(), status, given, body)


def settled(port: int, request: Request) -> Answer:
    """The first answer that is not 503, which a service gives whose machine is busy enough."""
    answers: list[Answer] = []

    def asked() -> bool:
        answers.append(ask(port, request))
        return answers[-1].status != "503"

    wait_until(asked, PATIENCE)
    return answers[-1]


def filled_cart(port: int) -> str:
    """The cookie of a visitor with one piece in the cart. By hand: it is for TLS only."""
    answer = settled(port, Request("/cart/add", {"product_id": 1, "quantity": 1}))
    assert answer.status == "303", answer
    return str(answer.headers["Set-Cookie"]).partition(";")[0]


def pieces(port: int, cookie: str) -> int:
    """How many are in the visitor's cart."""
    answer = settled(port, Request("/cart/summary", cookie=cookie))
    return int(json.loads(answer.body)["count"])


class Client(threading.Thread):
    """Asks again as soon as it is answered."""

    kind: ClassVar[str]

    def __init__(self, port: int, stop: threading.Event) -> None:
        super().__init__()
        self.answers: list[Answer] = []
        self.displeased = 0.0  # when it last got what it did not like
        self._port = port
        self._stopped = stop

    def run(self) -> None:
        for request in self.requests():
            answer = ask(self._port, request)
            self.note(answer)
            if not self.likes(answer):
                self.displeased = answer.ended
            self.answers.append(answer)
            if self._stopped.is_set():
                break

    def requests(self) -> Iterator[Request]:
        raise NotImplementedError

    def note(self, answer: Answer) -> None:
        """Learn from an answer before the next request."""

    def likes(self, answer: Answer) -> bool:
        return answer.status == "200"

    def pleased_since(self, moment: float) -> bool:
        """Whether its latest answers, all to questions after that moment, were what it likes."""
        latest = self.answers[-IN_A_ROW:]
        return (
            len(latest) == IN_A_ROW
            and latest[0].begun > moment
            and latest[0].begun > self.displeased
        )


class Reader(Client):
    """Wants the catalogue's pages, from the cache."""

    kind = "pages"
    paths: ClassVar[list[str]] = ["/", "/?page=2", "/products/1", "/products/2"]

    def requests(self) -> Iterator[Request]:
        return map(Request, cycle(self.paths))

    def likes(self, answer: Answer) -> bool:
        return super().likes(answer) and "; hit" in answer.headers.get("Cache-Status", "")


class Program(Reader):
    """Wants the same as JSON."""

    kind = "API"
    paths: ClassVar[list[str]] = ["/api/products", "/api/products?page=2", "/api/products/1"]


class Searcher(Client):
    """Wants what nobody has asked for before, which is in no cache."""

    kind = "search"

    def requests(self) -> Iterator[Request]:
        while True:
            yield Request(f"/?q={secrets.token_hex(4)}")


class Shopper(Client):
    """Has pieces of one product in the cart for good, while one of another comes and goes."""

    kind = "cart"
    kept = 3  # pieces
    cookie = ""
    robbed = False  # what was in the cart was not there

    def requests(self) -> Iterator[Request]:
        changes = [
            Request("/cart/add", {"product_id": 2, "quantity": 1}),
            Request("/cart/remove", {"product_id": 2}),
        ]
        yield Request("/cart/add", {"product_id": 1, "quantity": self.kept})
        for change in cycle(changes):
            yield Request("/cart/summary", cookie=self.cookie)
            yield change._replace(cookie=self.cookie)

    def note(self, answer: Answer) -> None:
        if given := answer.headers.get("Set-Cookie"):
            self.cookie = given.partition(";")[0]
        if answer.status == "200" and json.loads(answer.body)["count"] < self.kept:
            self.robbed = True

    def likes(self, answer: Answer) -> bool:
        return answer.status in ("200", "303")


# Who is there, all the time, one request each.
CLIENTS = [*[Reader] * 7, *[Program] * 4, *[Searcher] * 4, *[Shopper] * 5]
KINDS = ("pages", "API", "search", "cart")


class Load(AbstractContextManager["Load"]):
    """Twenty clients, while the block lasts; it begins when the service pleases all of them."""

    def __init__(self, port: int) -> None:
        self._stop = threading.Event()
        self.clients = [client(port, self._stop) for client in CLIENTS]

    def __enter__(self) -> Self:
        for client in self.clients:
            client.start()
        try:
            self.await_recovery(time.monotonic())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for client in self.clients:
            client.join()

    def await_recovery(self, since: float, seconds: float = 30) -> None:
        """Wait until every client likes what it asked for since then. Raises TimeoutError."""
        wait_until(lambda: all(client.pleased_since(since) for client in self.clients), seconds)

    def answers(self, kind: str, since: float) -> list[Answer]:
        """What came of the requests of that kind that were on the way since then, or begun."""
        return [
            answer
            for client in self.clients
            if client.kind == kind
            for answer in client.answers
            if answer.ended > since
        ]

    def displeased(self) -> float:
        """When a client last got what it did not like."""
        return max(client.displeased for client in self.clients)


def counts(answers: Iterable[Answer]) -> Counter[str]:
    """The requests by what came of them; a redirect after a form is as good as 200."""
    return Counter(answer.status.replace("303", "200") for answer in answers)

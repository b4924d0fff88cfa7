"""Fifty at once: 2 workers of 25 threads; in memory 1 worker of 50."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import httpx
import pytest

from tests.caching.conftest import BACKENDS, PROOF, Service, each
from tests.project import PATIENT

HERD = 50


@dataclass
class Answer:
    status: int
    cache_status: str
    seconds: float


def ask_at_once(
    client: httpx.Client, path: str, after: Callable[[list[Answer]], object] = len
) -> list[Answer]:
    """What HERD clients are answered; those whose worker died are not.

    `after` is called with all answers so far, after each.
    """
    together = threading.Barrier(HERD)
    answers: list[Answer] = []

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", client.base_url.port, timeout=40)
        together.wait()
        begun = time.monotonic()
        with suppress(ConnectionError):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            seen = answer.headers.get("Cache-Status", "")
            answers.append(Answer(answer.status, seen, time.monotonic() - begun))
            after(answers)
        connection.close()

    with ThreadPoolExecutor(HERD) as pool:
        for asked in [pool.submit(ask) for _ in range(HERD)]:
            asked.result()
    return answers


@pytest.mark.run
@each(*BACKENDS)
def test_a_herd_computes_once(service: Service, backend: str) -> None:
    project = service(backend)
    ledger = project.path / "var" / "computations"
    ledger.write_text("")
    workers = 1 if backend == "simple" else 2

    def computations() -> Counter[str]:
        return Counter(ledger.read_text().split())

    with project.serving(
        PATIENT,
        PROOF,
        f"service.LIMITS = replace(service.LIMITS, threads={HERD // workers})",
        WEB_CONCURRENCY=str(workers),
    ) as client:
        cold = ask_at_once(client, "/herd/cold")
        assert computations()["cold"] == 1
        assert [answer.status for answer in cold] == [200] * HERD

        client.get("/expiring")
        time.sleep(3.1)  # its timeout
        go_on = project.path / "var" / "go-on"
        go_on.unlink(missing_ok=True)

        def others_are_answered(answers: list[Answer]) -> None:
            if len(answers) == HERD - 2:
                go_on.touch()

        expired = ask_at_once(client, "/expiring", after=others_are_answered)
        assert computations()["awaited"] == 2
        assert [answer.status for answer in expired] == [200] * HERD
        assert sum("detail=stale" in answer.cache_status for answer in expired) >= HERD - 2

        raising = ask_at_once(client, "/herd/raises")
        assert computations()["raises"] == 2
        assert Counter(answer.status for answer in raising) == {500: 1, 200: HERD - 1}

        if workers == 2:
            # If one worker took them all, nobody is left to answer.
            dying = ask_at_once(client, "/herd/dies") or ask_at_once(client, "/herd/dies")
            assert computations()["dies"] == 2
            assert {answer.status for answer in dying} == {200}
            assert max(answer.seconds for answer in dying) < 10
        print(f"{backend}: slowest of {HERD}: cold {max(a.seconds for a in cold):.2f} s")

"""Faults under load: what a visitor sees of them, and when it is over."""

import time
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.containers.load import CUT_OFF, KINDS, Answer, Load, Shopper, counts, filled_cart, pieces
from tests.containers.stack import Stack
from tests.servers import KINDS as SERVERS

pytestmark = pytest.mark.containers

DOWN = 4  # seconds
HUNG = 8  # seconds: more than a statement may take
# Seconds that a cached page may take. A cache out of reach costs half a second; the rest is what
# twenty clients wait for two slow processors. It waits longer where all threads of a process wait
# for statements of a paused database, or where a process has to be started.
LONGEST = {"cache": 2.5, "sessions": 2.5, "database": 7.5, "web": 10}
RECOVERY = 20  # seconds, most of them those that a database takes to start
# Of the requests for a session while every page is computed: on a machine that is busy enough, one
# that takes longer than a store may is answered 503.
SLOW_SESSIONS = 0.05
CARTS = 20  # filled before a fault, looked into after it

Fault = Callable[[Stack, str], None]


def killed(stack: Stack, service: str) -> None:
    stack.compose(f"kill {service}")
    time.sleep(DOWN)
    stack.compose(f"start {service}")


def stopped(stack: Stack, service: str) -> None:
    stack.compose(f"stop --timeout 2 {service}")
    time.sleep(DOWN)
    stack.compose(f"start {service}")


def paused(stack: Stack, service: str) -> None:
    stack.compose(f"pause {service}")
    time.sleep(HUNG)
    stack.compose(f"unpause {service}")


def restarted(stack: Stack, service: str) -> None:
    stack.compose(f"restart {service}")


def overfilled(stack: Stack, service: str) -> None:
    """Three times what it may hold."""
    limit = int(stack.shell(service, "redis-cli config get maxmemory | tail -1"))
    fill = f"for n in $(seq {3 * limit // 2**20}); do echo SETRANGE filler:$n {2**20 - 1} x; done"
    stack.shell(service, f"{fill} | redis-cli -e >/dev/null")


def workers_killed(stack: Stack, service: str) -> None:
    """All at once, and with them what they were answering; their parent starts others."""
    stack.shell(service, "kill -9 $(cat /proc/1/task/1/children)")


def faults(answers: Mapping[str, str]) -> Iterator[tuple[str, Fault]]:
    """What can happen to a stack, service by service."""
    if answers["cache_backend"] in SERVERS:
        yield from (("cache", fault) for fault in (killed, paused))
    if answers["cache_backend"] == "redis":
        yield "cache", overfilled
    if answers["session_store"] in SERVERS:
        yield from (("sessions", fault) for fault in (killed, paused, restarted))
    if answers["database"] in SERVERS:
        yield from (("database", fault) for fault in (killed, stopped, paused))
    yield "web", workers_killed


def test_faults_cost_what_was_promised_and_pass(
    stack: Stack, subtests: pytest.Subtests, record_property: Callable[[str, object], None]
) -> None:
    for service, fault in faults(stack.project.answers):
        if service == "database":  # so that no page gets stale before it is back
            stack.shell("web", "flask cache invalidate products")
        carts = [filled_cart(stack.port) for _ in range(CARTS)]
        with subtests.test(service=service, fault=fault.__name__):
            with Load(stack.port) as load:
                begun = time.monotonic()
                fault(stack, service)
                ended = time.monotonic()
                load.await_recovery(ended)
            back = max(0, load.displeased() - ended)
            seen = {kind: load.answers(kind, begun) for kind in KINDS}
            columns = [
                *(stack.name, f"{service} {fault.__name__.replace('_', ' ')}"),
                *map(became, seen.values()),
                *(f"{longest(seen[kind]):.2f} s" for kind in ("pages", "search", "cart")),
                f"{back:.1f} s",
            ]
            record_property("chaos", f"| {' | '.join(columns)} |")

            for kind, answers in seen.items():
                assert counts(answers).keys() <= allowed(kind, service), stack.complaints()
                assert all("Retry-After" in a.headers for a in answers if a.status == "503")
            if service == "cache":
                assert counts(seen["cart"])["503"] < SLOW_SESSIONS * len(seen["cart"])
            assert max(longest(seen["pages"]), longest(seen["API"])) < LONGEST[service]
            assert back < RECOVERY
            assert not any(client.robbed for client in load.clients if isinstance(client, Shopper))
            assert [pieces(stack.port, cart) for cart in carts] == [1] * CARTS


def allowed(kind: str, service: str) -> set[str]:
    """What may become of requests of a kind while a service fails."""
    needs = {"search": {"database"}, "cart": {"database", "sessions", "cache"}}.get(kind, set())
    out_of_reach = {"503"} if service in needs else set()
    dead = {CUT_OFF} if service == "web" else set()
    return {"200"} | out_of_reach | dead


def longest(answers: list[Answer]) -> float:
    return max(answer.seconds for answer in answers)


def became(answers: list[Answer]) -> str:
    """Such as "98.2 % 200, 1.8 % 503, 7 cut off"."""
    return ", ".join(
        f"{number} {status}"
        if status == CUT_OFF
        else f"{100 * number / len(answers):.4g} % {status}"
        for status, number in counts(answers).most_common()
    )

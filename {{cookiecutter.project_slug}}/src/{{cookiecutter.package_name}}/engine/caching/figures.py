"""Reads the cache's figures from the running service, for `flask cache stats`."""

import http.client
import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

OUTCOMES = ("hit", "miss", "stale", "error")
SERVED = ("hit", "stale")  # from the cache


class UnknownError(Exception):
    """Nobody knows the figures. The message is a sentence."""


@dataclass
class Figures:
    """What the workers of the service have counted since they started."""

    looks: Counter[tuple[str, str]] = field(default_factory=Counter)  # by endpoint and outcome
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    held: dict[str, int] = field(default_factory=dict)  # entries and memory, if in the process
    prefixes: set[str] = field(default_factory=set)

    @property
    def endpoints(self) -> list[str]:
        return sorted({endpoint for endpoint, _ in self.looks})

    def saved(self, endpoint: str) -> float | None:
        """Seconds that the answers from the cache would have taken more, as misses.

        None if there was no miss to compare with.
        """
        missed = self.requests[endpoint, "miss"]
        served = [(endpoint, outcome) for outcome in SERVED]
        if not missed:
            return None
        usual = self.seconds[endpoint, "miss"] / missed
        return sum(self.requests[each] * usual - self.seconds[each] for each in served)


def read(port: int, prefix: str) -> Figures:
    """The figures of the service with these keys. Raises UnknownError if another one answers."""
    try:
        figures = _figures(text_string_to_metric_families(_fetched(port)))
    except OSError as error:
        sentence = f"The service does not answer on port {port}: its counts are unknown."
        raise UnknownError(sentence) from error
    except (http.client.HTTPException, ValueError):
        figures = Figures()  # these are no metrics
    if prefix not in figures.prefixes:
        raise UnknownError(
            f"Another program answers on port {port}: this service's counts are unknown."
        )
    return figures


def show(figures: Figures) -> None:
    """Print the look-ups by endpoint, and the time that the cache saved."""
    table = Table("endpoint", box=None)
    for name in ("hits", "misses", "stale", "errors", "hit ratio", "saved"):
        table.add_column(name, justify="right")
    for endpoint in figures.endpoints:
        looks = [figures.looks[endpoint, outcome] for outcome in OUTCOMES]
        table.add_row(endpoint, *map(str, looks), _ratio(looks), _time(figures.saved(endpoint)))
    if len(figures.endpoints) > 1:
        looks = [
            sum(figures.looks[endpoint, outcome] for endpoint in figures.endpoints)
            for outcome in OUTCOMES
        ]
        known = [figures.saved(endpoint) for endpoint in figures.endpoints]
        saved = sum(filter(None, known)) if any(one is not None for one in known) else None
        table.add_row("all", *map(str, looks), _ratio(looks), _time(saved), style="bold")
    console = Console(markup=False, emoji=False)
    console.print(table if figures.endpoints else "Nothing was looked up yet.")


def show_held(entries: int, memory: int) -> None:
    Console().print(f"{entries} entries, {memory:,} bytes", highlight=False)


def _ratio(looks: list[int]) -> str:
    hits, misses, stale, errors = looks
    asked = hits + misses + stale + errors
    return f"{(hits + stale) / asked:.1%}" if asked else "-"


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:,.1f} s"


def _fetched(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", _mount() + "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def _mount() -> str:
    path = os.environ.get("SCRIPT_NAME", "").strip("/")
    return f"/{path}" if path else ""


def _figures(families: Iterable[Metric]) -> Figures:
    figures = Figures()
    for sample in (sample for family in families for sample in family.samples):
        labels = sample.labels
        place = labels.get("endpoint", ""), labels.get("outcome", "")
        match sample.name:
            case "cache_outcomes_total" if place[1] in OUTCOMES:
                figures.looks[place] += int(sample.value)
            case "cache_request_seconds_count":
                figures.requests[place] += int(sample.value)
            case "cache_request_seconds_sum":
                figures.seconds[place] += sample.value
            case "cache_held":
                figures.held[labels.get("what", "")] = int(sample.value)
            case "cache_prefix":
                figures.prefixes.add(labels.get("prefix", ""))
    return figures

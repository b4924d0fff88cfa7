"""The figures of `make bench`, and the tables that are made of them."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from benchmarks import chart
from benchmarks.load import BARE, CASES, LIVEZ, PAGE, TUTORIAL, UNCHANGED, VISITOR
from tests.questions import REPOSITORY

FOLDER = REPOSITORY / "benchmarks"
BARE_HERE = f"{BARE} on Granian"  # the services' own server
# Cache, sessions and database of the services, and what their page is to reach: a part of bare
# Flask's requests a second, and times the tutorial way's with a session cookie.
ANSWERS = {
    "redis/redis/postgresql": (0.45, 3.5),
    "memcached/memcached/mysql": (0.45, 3.5),
    "filesystem/filesystem/sqlite": (0.7, 5),
    "simple/cookie/sqlite": (0.85, 6),
}
RATES = [case.name for case in CASES]
TITLE = "Requests a second, beside bare Flask"
PICTURE = f"![{TITLE}](serving.svg)"
MARKS = "<!-- figures -->\n", "<!-- end of figures -->"


@dataclass(frozen=True)
class Results:
    machine: dict[str, str]
    services: dict[str, dict[str, list[float]]]  # by service and row, one figure a round

    def of(self, service: str, row: str) -> list[float]:
        return self.services[service].get(row, [])

    def ratio(self, service: str, row: str, base: Sequence[float]) -> float | None:
        """The median of the rounds, or None if the service has no such row."""
        figures = self.of(service, row)
        return median(f / b for f, b in zip(figures, base, strict=True)) if figures else None

    def of_bare(self, service: str, row: str) -> float | None:
        return self.ratio(service, row, self.of(BARE_HERE, PAGE.name))


def tables(results: Results) -> str:
    """In the form of Markdown, each under a sentence."""
    machine = dict(results.machine)
    place = f"{machine.pop('processor')} with {machine.pop('cores')} cores"
    versions = ", ".join(f"{name} {version}" for name, version in machine.items())
    bare = median(results.of(BARE_HERE, PAGE.name))
    return f"""\
Measured on {place}: {versions}.

Requests a second beside {BARE_HERE}; 1.00 is {bare:,.0f} requests a second:

{table(["", *results.services], beside_bare(results))}

Requests a second beside the tutorial way on gunicorn, whose visitors have a session cookie:

{table(["", *ANSWERS, "1.00, in requests a second"], beside_tutorial(results))}

What the page is to reach, and what it reached:

{table(["", BARE_HERE, TUTORIAL, "304, beside its page", LIVEZ.name], goals(results))}

Waiting:

{table(["", *results.services], waiting(results))}"""


def beside_bare(results: Results) -> Iterator[list[str]]:
    for row in RATES:
        yield [row, *(times(results.of_bare(service, row)) for service in results.services)]


def beside_tutorial(results: Results) -> Iterator[list[str]]:
    for case in CASES:
        base = results.of(TUTORIAL, (VISITOR if case == PAGE else case).name)
        if case == UNCHANGED:  # which the tutorial way does not have: it sends the page again
            base = results.of(TUTORIAL, VISITOR.name)
        if base:
            ratios = [times(results.ratio(service, case.name, base)) for service in ANSWERS]
            yield [case.name, *ratios, f"{median(base):,.0f}"]


def goals(results: Results) -> Iterator[list[str]]:
    tutorial = results.of(TUTORIAL, VISITOR.name)
    for service, (of_bare, of_tutorial) in ANSWERS.items():
        page = results.of(service, PAGE.name)
        reached = [
            (results.of_bare(service, PAGE.name), of_bare),
            (results.ratio(service, VISITOR.name, tutorial), of_tutorial),
            (results.ratio(service, UNCHANGED.name, page), 1),
            (results.of_bare(service, LIVEZ.name), 0.85),
        ]
        yield [service, *(f"{times(ratio)} (≥ {goal:g})" for ratio, goal in reached)]


def waiting(results: Results) -> Iterator[list[str]]:
    rows = [row for row in next(iter(results.services.values())) if row not in RATES]
    for row in rows:
        figures = [results.of(service, row) for service in results.services]
        yield [row, *(f"{median(seen):.3g}" if seen else "" for seen in figures)]


def times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def table(head: Sequence[str], rows: Iterator[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(results: Results) -> None:
    text = json.dumps(asdict(results), indent=1)
    text = re.sub(r"\[\s+([^]{}]+?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text)
    (FOLDER / "serving.json").write_text(text + "\n")


def read() -> Results:
    return Results(**json.loads((FOLDER / "serving.json").read_text()))


def publish(results: Results) -> None:
    """Draw serving.svg, and put it and the tables into README.md."""
    (FOLDER / "serving.svg").write_text(drawn(results))
    page = FOLDER / "README.md"
    page.write_text(with_tables(page.read_text(), results))


def drawn(results: Results) -> str:
    bare = median(results.of(BARE_HERE, PAGE.name))
    services = [service for service in results.services if service != BARE_HERE]
    return chart.draw(
        TITLE,
        f"1.00 is the same page from {BARE_HERE}: {bare:,.0f} requests a second. Longer is faster.",
        {row: {name: results.of_bare(name, row) for name in services} for row in RATES},
    )


def with_tables(page: str, results: Results) -> str:
    before, _, rest = page.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}\n{PICTURE}\n\n{tables(results)}\n\n{MARKS[1]}{after}"

"""The stacks that the tests share, and what they tell at the end."""

from collections.abc import Iterator

import pytest

from tests.containers.stack import Stack, engine_answers, lacking, prepared

STACKS = {
    f"{cache}/{sessions}/{database}": {
        "cache_backend": cache,
        "session_store": sessions,
        "database": database,
    }
    for cache, sessions, database in (
        ("redis", "redis", "postgresql"),
        ("memcached", "sql", "mysql"),
        ("simple", "filesystem", "sqlite"),
        ("redis", "cookie", "none"),
        ("mongodb", "mongodb", "none"),
    )
}
CHAOS = """
| stack | fault | pages | API | search | cart | longest page | search | cart | back after |
|---|---|---|---|---|---|---|---|---|---|
""".strip().splitlines()


def on(*names: str) -> pytest.MarkDecorator:
    """Run a test on these stacks; without this mark it runs on each."""
    return pytest.mark.parametrize("stack", names, indirect=True)


@pytest.fixture(scope="session", params=STACKS)
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A running stack. One at a time: the tests of a stack follow each other."""
    if not engine_answers():
        pytest.skip("no Docker engine with Compose answers: what runs in containers is not tested")
    with prepared(tmp_path_factory.mktemp("stack"), STACKS[request.param]) as stack:
        if lacked := lacking(stack.images):
            pytest.skip(f"images neither here nor to be pulled: {', '.join(lacked)}")
        stack.make("up")
        yield stack


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the chaos did, how large the images are, and what was skipped why."""
    reports = [
        report
        for outcome in ("passed", "failed", "skipped", "error")
        for report in terminalreporter.getreports(outcome)
        if "containers" in report.keywords
    ]
    # Once each: the reports of subtests repeat them.
    told = dict.fromkeys(item for report in reports for item in report.user_properties)
    rows = [str(value) for name, value in told if name == "chaos"]
    lines = [str(value) for name, value in told if name == "told"]
    skipped = {report.longrepr[2] for report in reports if report.skipped}
    if not reports:
        return
    terminalreporter.section("containers")
    for line in [*(CHAOS + rows if rows else []), *lines, *sorted(skipped)]:
        terminalreporter.line(line)

"""The alerts and the dashboard of a project: what a real Prometheus answers to them."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.answers import rendered
from tests.conftest import demand_programs, demand_servers
from tests.processes import free_port, running, wait_until
from tests.project import BakedProject, bake
from tests.questions import BACKENDS, combinations
from tests.servers import KINDS, ROOT
from tests.test_kubernetes import config, loaded, objects

GOOD, BAD = 120, 60  # minutes
SELECTOR = re.compile(r"([a-z_]+)\{(.*?)\}")
REQUESTS = "flask_http_request_duration_seconds_{}"
JOB = 'job="my-service"'
PAGE = f'{JOB}, endpoint="shop.catalogue"'
READS = f'{JOB}, backend="cache", operation="get_many"'
# What a service does in a minute, by its series, when all is well.
WELL = {
    REQUESTS.format(f'count{{{PAGE}, status="200"}}'): 600,
    REQUESTS.format(f'count{{{PAGE}, status="500"}}'): 0,
    REQUESTS.format(f'bucket{{{PAGE}, status="200", le="0.1"}}'): 590,
    REQUESTS.format(f'bucket{{{PAGE}, status="200", le="2.5"}}'): 600,
    REQUESTS.format(f'bucket{{{PAGE}, status="200", le="+Inf"}}'): 600,
    REQUESTS.format(f'count{{{JOB}, instance="a", endpoint="readyz", status="503"}}'): 0,
    f'cache_outcomes_total{{{PAGE}, outcome="hit"}}': 540,
    f'cache_outcomes_total{{{PAGE}, outcome="miss"}}': 60,
    f"backend_errors_total{{{READS}}}": 0,
    f'backend_seconds_bucket{{{READS}, le="0.1"}}': 590,
    f'backend_seconds_bucket{{{READS}, le="0.2"}}': 600,
    f'backend_seconds_bucket{{{READS}, le="+Inf"}}': 600,
}
# What is not counted, but is so.
STATES = {f'up{{{JOB}, instance="a"}}': 1, f'cache_down{{{JOB}, instance="a"}}': 0}
# By alert: the series that change, and the labels that the alert has then.
TROUBLE: dict[str, tuple[dict[str, int], dict[str, str]]] = {
    "ServiceAbsent": ({f'up{{{JOB}, instance="a"}}': 0}, {}),
    "InstanceDown": ({f'up{{{JOB}, instance="a"}}': 0}, {"instance": "a"}),
    "ServerErrors": ({REQUESTS.format(f'count{{{PAGE}, status="500"}}'): 15}, {}),
    "SlowAnswers": ({REQUESTS.format(f'bucket{{{PAGE}, status="200", le="0.1"}}'): 400}, {}),
    "NotReady": (
        {REQUESTS.format(f'count{{{JOB}, instance="a", endpoint="readyz", status="503"}}'): 12},
        {"instance": "a"},
    ),
    "CacheDown": ({f'cache_down{{{JOB}, instance="a"}}': 1}, {"instance": "a"}),
    "HitRatioFallen": (
        {
            f'cache_outcomes_total{{{PAGE}, outcome="hit"}}': 60,
            f'cache_outcomes_total{{{PAGE}, outcome="miss"}}': 540,
        },
        {},
    ),
    "BackendErrors": (
        {f"backend_errors_total{{{READS}}}": 1},
        {"backend": "cache", "operation": "get_many"},
    ),
    "BackendSlow": (
        {f'backend_seconds_bucket{{{READS}, le="0.1"}}': 400},
        {"backend": "cache"},
    ),
}


def alerts(answers: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The alerts of a project, by name."""
    ((group,),) = (
        document["groups"] for document in loaded(rendered("deploy/alerts.yaml", answers))
    )
    return {rule["alert"]: rule for rule in group["rules"]}


def queries(answers: Mapping[str, str]) -> list[str]:
    """What the dashboard of a project asks, as Grafana sends it."""
    dashboard = json.loads(rendered("deploy/dashboard.json", answers))
    names = {item["name"]: item.get("current", {}) for item in dashboard["templating"]["list"]}
    assert names.keys() == {"datasource", "job"}
    return [
        target["expr"].replace("$job", names["job"]["value"]).replace("$__rate_interval", "10s")
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]


def promtool(*arguments: str, folder: Path) -> None:
    done = subprocess.run(
        ["promtool", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_prometheus_takes_the_rules_of_every_combination(tmp_path: Path) -> None:
    demand_programs("promtool")
    texts = {rendered("deploy/alerts.yaml", answers) for answers in combinations().values()}
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.yaml").write_text(text)
    promtool("check", "rules", *(path.name for path in tmp_path.iterdir()), folder=tmp_path)


def test_every_alert_says_what_to_do_and_the_page_lists_it() -> None:
    for answers in combinations().values():
        for alert in alerts(answers).values():
            assert alert["labels"]["severity"] in ("critical", "warning")
            assert alert["annotations"].keys() == {"summary", "action"}
            assert all(text.endswith(".") for text in alert["annotations"].values())
        page = rendered("docs/monitoring.md", answers)
        rows = re.findall(r"^\| (`.+?`) \|", page, re.MULTILINE)
        listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
        assert listed == [*alerts(answers)]


@pytest.mark.slow
def test_each_alert_fires_in_its_trouble_and_none_before(tmp_path: Path) -> None:
    """Two good hours, and then a bad one."""
    demand_programs("promtool")
    known = alerts({"cache_backend": "redis", "session_store": "redis"})
    assert known.keys() == TROUBLE.keys()
    (tmp_path / "alerts.yaml").write_text(
        rendered("deploy/alerts.yaml", {"cache_backend": "redis"})
    )
    tests = []
    for name, (changes, labels) in TROUBLE.items():
        assert changes.keys() <= WELL.keys() | STATES.keys()
        series = {
            **{key: counted(before, changes.get(key, before)) for key, before in WELL.items()},
            **{key: f"{was}x{GOOD} {changes.get(key, was)}x{BAD}" for key, was in STATES.items()},
        }
        fired = {
            "exp_labels": {"job": "my-service", **labels, **known[name]["labels"]},
            "exp_annotations": known[name]["annotations"],
        }
        quiet = [
            {"alertname": alert, "eval_time": f"{GOOD}m", "exp_alerts": []} for alert in TROUBLE
        ]
        tests.append(
            {
                "interval": "1m",
                "input_series": [
                    {"series": key, "values": values} for key, values in series.items()
                ],
                "alert_rule_test": [
                    *quiet,
                    {"alertname": name, "eval_time": f"{GOOD + BAD}m", "exp_alerts": [fired]},
                ],
            }
        )
    text = yaml.safe_dump({"rule_files": ["alerts.yaml"], "tests": tests})
    (tmp_path / "tests.yaml").write_text(text)
    promtool("test", "rules", "tests.yaml", folder=tmp_path)


def counted(before: int, after: int) -> str:
    """A counter, a sample each minute: so much a minute for the good hours, then so much."""
    return f"0+{before}x{GOOD} {before * GOOD + after}+{after}x{BAD}"


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    for answers in combinations().values():
        panels = json.loads(rendered("deploy/dashboard.json", answers))["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        taken = set()
        for panel in panels:
            place = panel["gridPos"]
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    assert x < 24
                    assert (x, y) not in taken, panel["title"]
                    taken.add((x, y))
        tops = [panel["gridPos"]["y"] for panel in panels]
        assert tops == sorted(tops)  # a row has the panels that follow it


@dataclass(frozen=True)
class Prometheus:
    client: httpx.Client

    def ask(self, path: str, **parameters: str) -> Any:
        """What its API answers. Raises AssertionError with its reason if that is an error."""
        answer = self.client.get(f"/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", (parameters, answer)
        return answer["data"]

    def query(self, expression: str) -> list[Any]:
        return list(self.ask("query", query=expression)["result"])


@contextmanager
def prometheus(project: BakedProject, metrics_port: int, folder: Path) -> Iterator[Prometheus]:
    """A Prometheus that reads the service as docs/monitoring.md says, only more often."""
    page = (project.path / "docs" / "monitoring.md").read_text()
    blocks = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", page, re.DOTALL))
    (settings,) = (block for block in blocks if "scrape_configs" in block)
    settings["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    (job,) = settings["scrape_configs"]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{metrics_port}"]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    shutil.copy(project.path / "deploy" / "alerts.yaml", folder)
    address = f"127.0.0.1:{free_port()}"
    with httpx.Client(base_url=f"http://{address}", timeout=30, verify=False) as client:

        def ready() -> bool:
            try:
                return client.get("/-/ready").is_success
            except httpx.TransportError:
                return False

        command = [
            "prometheus",
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            f"--web.listen-address={address}",
        ]
        with running(command, ready=ready, log=folder / "log", cwd=folder):
            yield Prometheus(client)


def visit(client: httpx.Client) -> None:
    """What visitors do: pages, the API, a cart."""
    for path in ("/", "/", "/api/products", "/cart", "/nowhere"):
        client.get(path)
    client.post("/cart/add", data={"product_id": 1, "quantity": 1})


@pytest.mark.run
@pytest.mark.parametrize(
    "choices", ["redis redis none", "simple cookie none", "none filesystem none"]
)
def test_a_real_prometheus_has_data_for_every_panel_and_every_alert(
    choices: str, tmp_path: Path
) -> None:
    demand_programs("prometheus")
    project = bake(tmp_path / "project", dict(zip(BACKENDS, choices.split(), strict=True)))
    demand_servers(project.answers)
    with served(project, tmp_path) as (client, seen, stop):
        panels = queries(project.answers)
        rules = alerts(project.answers)

        def answered() -> bool:
            visit(client)
            return all(map(seen.query, panels))

        try:
            wait_until(answered)
        except TimeoutError:
            pytest.fail(f"without data: {[panel for panel in panels if not seen.query(panel)]}")
        for rule in rules.values():
            for metric, matchers in SELECTOR.findall(rule["expr"]):
                labels = re.findall(r'(\w+)[=!~]+"', matchers)
                there = ", ".join(f'{label}!=""' for label in labels)
                assert seen.query(f"{metric}{{{there}}}"), f"{rule['alert']} finds no {metric}"
        wait_until(lambda: healthy(seen) == {*rules})
        assert not seen.query(rules["ServiceAbsent"]["expr"])
        assert not seen.query(rules["ServerErrors"]["expr"])
        if not stop:
            return

        def seeing(*names: str) -> bool:
            visit(client)
            client.get("/readyz")
            return all(seen.query(rules[name]["expr"]) for name in names)

        stop["CACHE_URL"].close()
        wait_until(lambda: seeing("CacheDown", "BackendErrors"))
        assert not seen.query(rules["NotReady"]["expr"])  # a service can do without its cache
        stop["SESSION_URL"].close()
        wait_until(lambda: seeing("NotReady", "ServerErrors"))


def healthy(seen: Prometheus) -> set[str]:
    """The rules that Prometheus has computed without an error."""
    (group,) = seen.ask("rules")["groups"]
    return {rule["name"] for rule in group["rules"] if rule["health"] == "ok"}


@contextmanager
def served(
    project: BakedProject, folder: Path
) -> Iterator[tuple[httpx.Client, Prometheus, dict[str, ExitStack]]]:
    """The service with the settings of deploy/kubernetes.yaml, and what stops its servers."""
    stop: dict[str, ExitStack] = {}
    urls: dict[str, str] = {}
    with ExitStack() as stack:
        for variable, question in (("CACHE_URL", BACKENDS[0]), ("SESSION_URL", BACKENDS[1])):
            if kind := KINDS.get(project.answers[question]):
                place = folder / variable
                place.mkdir()
                if ROOT:
                    shutil.chown(place, "nobody")
                stop[variable] = stack.enter_context(ExitStack())
                server = stop[variable].enter_context(kind(place).started())
                urls[variable] = server.url
        settings = urls | config(objects(project.answers))
        host = settings["TRUSTED_HOSTS"]
        port = free_port()
        settings |= {"SECRET_KEY": "k" * 40, "METRICS_PORT": str(port)}
        del settings["PORT"]
        project.run("make install")
        client = stack.enter_context(project.serving(**settings))
        client.headers.update({"Host": host, "Origin": f"https://{host}"})
        place = folder / "prometheus"
        place.mkdir()
        yield client, stack.enter_context(prometheus(project, port, place)), stop

"""The manifests for Kubernetes: what its API defines, and what the project's other files say."""

import ast
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import cache, wraps
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.answers import rendered
from tests.project import bake
from tests.questions import BACKENDS, TEMPLATE, combinations, pairs
from tests.servers import KINDS
from tests.table import PACKAGE, owners_of, parts

VERSIONS = ("1.30", "1.37")  # the oldest that docs/kubernetes.md names, and the newest known here
FILES = sorted({*(TEMPLATE / "deploy").glob("*.yaml")} - {TEMPLATE / "deploy" / "alerts.yaml"})
# What an object is, and its name.
Objects = dict[tuple[str, str], dict[str, Any]]
# Backends that only the pods of one node could share, so that there is one pod.
LOCAL = {"simple", "filesystem", "sqlite"}
# Neither Settings nor .env.example has it: only what stands behind a proxy needs it.
FOR_PROXIES = "FORWARDED_ALLOW_IPS"


def every(test: Callable[[dict[str, str]], None]) -> Callable[[], None]:
    """Run a test with each combination: a quick one, so all of them are one."""

    @wraps(test)
    def with_each() -> None:
        for name, answers in combinations().items():
            try:
                test(answers)
            except AssertionError as error:
                error.add_note(name)
                raise

    del with_each.__wrapped__  # pytest would look for its arguments
    return with_each


def objects(answers: Mapping[str, str], *names: str) -> Objects:
    """What the files of `deploy/` with these names hold; without names, all of them."""
    texts = [
        rendered_once(str(path.relative_to(TEMPLATE)), tuple(answers.items()))
        for path in FILES
        if not names or path.stem in names
    ]
    found = [document for text in texts for document in loaded(text)]
    by_name = {(document["kind"], document["metadata"]["name"]): document for document in found}
    assert len(by_name) == len(found)
    return by_name


@cache
def rendered_once(file: str, answers: tuple[tuple[str, str], ...]) -> str:
    """A file of a project; nothing if the project does not have it."""
    owners = owners_of(TEMPLATE / file)
    if owners and owners.isdisjoint(parts(dict(answers))):
        return ""
    return rendered(file, dict(answers))


@cache
def loaded(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


def text(file: str, answers: Mapping[str, str]) -> str:
    return rendered_once(file, tuple(answers.items()))


def pods(objects: Objects) -> Iterator[dict[str, Any]]:
    """The templates of the pods, of whatever starts them."""
    for document in objects.values():
        spec = document.get("spec", {})
        for inner in (spec, spec.get("jobTemplate", {}).get("spec", {})):
            if "template" in inner:
                yield inner["template"]


def containers(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def web(objects: Objects) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Deployment, and its container."""
    (deployment,) = (document for (kind, _), document in objects.items() if kind == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return deployment, container


def config(objects: Objects) -> dict[str, str]:
    (found,) = (document["data"] for (kind, _), document in objects.items() if kind == "ConfigMap")
    return dict(found)


def secrets(answers: Mapping[str, str]) -> dict[str, str]:
    """The lines of deploy/secrets.env, as docs/kubernetes.md writes them."""
    page = text("docs/kubernetes.md", answers)
    (block,) = re.findall(r"^cat >deploy/secrets\.env <<END\n(.*?)\nEND\n", page, re.DOTALL | re.M)
    return dict(line.split("=", 1) for line in block.splitlines())


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_what_the_api_defines(version: str) -> None:
    seen = set()
    for answers in combinations().values():
        for document in objects(answers).values():
            if (known := json.dumps(document)) not in seen:
                seen.add(known)
                kubernetes_validate.validate(document, version, strict=True)
    assert seen


@pytest.mark.parametrize("slug", ["1st-shop", "123", "null", "x" * 40])
def test_a_name_that_yaml_could_take_for_something_else_stays_text(slug: str) -> None:
    found = objects({"project_slug": slug, "package_name": "shop"})
    labels = web(found)[0]["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == slug
    for document in found.values():
        kubernetes_validate.validate(document, VERSIONS[-1], strict=True)


@every
def test_the_pods_get_every_setting_once_and_nothing_else(answers: dict[str, str]) -> None:
    example = text(".env.example", answers)
    documented = dict(re.findall(r"^(?:# ?)?([A-Z_]+)=(.*)", example, re.MULTILINE))
    plain, secret = config(objects(answers)), secrets(answers)
    assert not plain.keys() & secret.keys()
    assert plain.keys() | secret.keys() == documented.keys() | {FOR_PROXIES}
    assert plain["APP_ENV"] == "production"
    changed = {"APP_ENV", "TRUSTED_HOSTS", FOR_PROXIES}
    for name in plain.keys() - changed:
        assert plain[name] == documented[name], name
    assert text("compose.yaml", answers).count("WEB_CONCURRENCY:-" + plain["WEB_CONCURRENCY"])


@every
def test_what_names_a_server_is_a_secret(answers: dict[str, str]) -> None:
    roles = {"CACHE_URL": "cache_backend", "SESSION_URL": "session_store"}
    roles["DATABASE_URL"] = "database"
    servers = {variable for variable, question in roles.items() if answers[question] in KINDS}
    optional = {"API_TOKEN"} if answers["database"] != "none" else set()
    plain, secret = config(objects(answers)), secrets(answers)
    assert secret.keys() == {"SECRET_KEY", "SECRET_KEY_FALLBACKS", *servers, *optional}
    assert not [value for value in plain.values() if "@" in value]
    compose = yaml.safe_load(text("compose.yaml", answers))["services"]["web"]["environment"]
    assert {name: secret[name] for name in servers} == {name: compose[name] for name in servers}


def test_the_variable_for_proxies_is_the_one_that_the_service_reads() -> None:
    assert (
        f'environ.get("{FOR_PROXIES}"' in (TEMPLATE / "src" / PACKAGE / "__main__.py").read_text()
    )


@every
def test_ports_and_probes_are_the_services_own(answers: dict[str, str]) -> None:
    found = objects(answers)
    settings, (_, container) = config(found), web(found)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": int(settings["PORT"]), "metrics": int(settings["METRICS_PORT"])}
    assert f"EXPOSE {settings['PORT']}\n" in text("Dockerfile", answers)
    routes = re.findall(
        r'@app\.get\("(.+?)"\)', (TEMPLATE / "src" / PACKAGE / "health.py").read_text()
    )
    probes = {name: probe for name, probe in container.items() if name.endswith("Probe")}
    assert {probe["httpGet"]["path"] for probe in probes.values()} == {*routes}
    assert {probe["httpGet"]["port"] for probe in probes.values()} == {"http"}
    assert probes["livenessProbe"]["httpGet"]["path"] == "/livez"  # touches no backend
    name = next(iter(found))[1]
    assert found["Service", name]["spec"]["ports"] == [
        {"name": "http", "port": 80, "targetPort": "http"}
    ]
    (rule,) = found["Ingress", name]["spec"]["rules"]
    assert rule["host"] == settings["TRUSTED_HOSTS"]
    (path,) = rule["http"]["paths"]
    assert path["backend"] == {"service": {"name": name, "port": {"name": "http"}}}


@every
def test_nobody_but_prometheus_may_read_the_metrics(answers: dict[str, str]) -> None:
    (policy,) = (found for (kind, _), found in objects(answers).items() if kind == "NetworkPolicy")
    allowed = {rule["ports"][0]["port"]: rule.get("from") for rule in policy["spec"]["ingress"]}
    assert allowed.keys() == {"http", "metrics"}
    assert allowed["http"] is None
    assert allowed["metrics"]


def test_a_pod_has_the_time_that_the_service_takes_to_stop() -> None:
    grace = limit("grace")
    for answers in (combinations()[name] for name in pairs()):
        deployment, container = web(objects(answers))
        pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        given = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert grace + pause < given
        assert container["livenessProbe"]["failureThreshold"] * 10 > limit("hung")


def limit(name: str) -> int:
    """One of LIMITS, in __main__.py."""
    source = ast.parse((TEMPLATE / "src" / PACKAGE / "__main__.py").read_text())
    (value,) = (
        ast.unparse(node.value)
        for node in ast.walk(source)
        if isinstance(node, ast.keyword) and node.arg == name
    )
    return eval(value, {})  # type: ignore[no-any-return]


@every
def test_every_pod_is_as_locked_as_in_compose(answers: dict[str, str]) -> None:
    """And as the Pod Security Standard `restricted` asks for."""
    for pod in pods(objects(answers)):
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False  # its variables could be taken for settings
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"].keys() == {"requests", "limits"}
            mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
            assert mounts["tmp"] == "/tmp"
            assert mounts.keys() <= {volume["name"] for volume in spec["volumes"]}


@every
def test_files_have_a_volume_that_the_image_may_write_to(answers: dict[str, str]) -> None:
    found = objects(answers)
    values = [value for value in config(found).values() if "var/" in value]
    deployment, container = web(found)
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert (mounts.get("var") == "/app/var") == bool(values)
    dockerfile = text("Dockerfile", answers)
    assert "\nWORKDIR /app\n" in dockerfile
    kept = [value for value in values if value != config(found).get("CACHE_URL")]
    claims = {name for kind, name in found if kind == "PersistentVolumeClaim"}
    assert len(claims) == bool(kept)
    for pod in pods(found):
        spec = pod["spec"]
        mounted = {
            volume["persistentVolumeClaim"]["claimName"]
            for volume in spec["volumes"]
            if "persistentVolumeClaim" in volume
        }
        assert mounted == claims or pod is not deployment["spec"]["template"]
        if mounted:
            assert f"--uid {spec['securityContext']['fsGroup']} " in dockerfile


@every
def test_there_is_more_than_one_pod_where_they_share_everything(answers: dict[str, str]) -> None:
    found = objects(answers)
    deployment, _ = web(found)
    alone = not LOCAL.isdisjoint(answers.values()) or (
        answers["session_store"] == "sql" and answers["database"] == "none"
    )
    scaled = [document for (kind, _), document in found.items() if kind.startswith("Horizontal")]
    kinds = {kind for kind, _ in found}
    if alone:
        assert deployment["spec"]["replicas"] == 1
        assert deployment["spec"]["strategy"] == {"type": "Recreate"}
        assert not scaled
        assert "PodDisruptionBudget" not in kinds  # it would keep a node from being emptied
    else:
        assert "replicas" not in deployment["spec"]  # each release would undo the autoscaler's
        assert scaled[0]["spec"]["minReplicas"] >= 2
        assert scaled[0]["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
        assert "PodDisruptionBudget" in kinds


@every
def test_selectors_find_the_pods_of_the_service_and_no_others(answers: dict[str, str]) -> None:
    found = objects(answers)
    deployment, _ = web(found)
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert labels == {"app": "web", "app.kubernetes.io/name": "my-service"}  # the name of the job
    selectors = [deployment["spec"]["selector"]["matchLabels"]]
    for (kind, _), document in found.items():
        if kind == "Service":
            selectors.append(document["spec"]["selector"])
        elif kind == "NetworkPolicy":
            selectors.append(document["spec"]["podSelector"]["matchLabels"])
        elif kind == "PodDisruptionBudget":
            selectors.append(document["spec"]["selector"]["matchLabels"])
    assert selectors == [{"app": "web"}] * len(selectors)
    others = [pod for pod in pods(found) if pod is not deployment["spec"]["template"]]
    assert all("labels" not in pod.get("metadata", {}) for pod in others)


@every
def test_the_database_is_migrated_before_the_service_needs_it(answers: dict[str, str]) -> None:
    found = objects(answers)
    deployment, _ = web(found)
    inside = deployment["spec"]["template"]["spec"].get("initContainers", [])
    jobs = [
        pod for (kind, _), job in found.items() if kind == "Job" for pod in pods({("", ""): job})
    ]
    steps = [container for job in jobs for container in containers(job)] + inside
    assert [step["command"] for step in steps] == [["flask", "db", "upgrade"]] * (
        answers["database"] != "none"
    )
    assert bool(inside) == (answers["database"] == "sqlite")  # the file is on the pod's volume
    assert not {"Job"} & {kind for kind, _ in objects(answers, "kubernetes", "prune")}


@every
def test_expired_sessions_are_removed_where_the_store_does_not(answers: dict[str, str]) -> None:
    commands = [
        container["command"]
        for pod in pods(objects(answers, "prune"))
        for container in containers(pod)
    ]
    assert commands == [["flask", "sessions", "prune"]] * ("pruned_sessions" in parts(answers))


@pytest.mark.slow
@pytest.mark.parametrize(
    "choices",
    [
        "redis redis postgresql",
        "filesystem filesystem sqlite",
        "simple sql mysql",
        "none cookie none",
    ],
)
def test_the_page_names_every_file_and_its_commands_find_them(choices: str, tmp_path: Path) -> None:
    """Its `sed` puts the image of a release into each pod."""
    project = bake(tmp_path, dict(zip(BACKENDS, choices.split(), strict=True)))
    page = (project.path / "docs" / "kubernetes.md").read_text()
    manifests = {path.name for path in (project.path / "deploy").glob("*.yaml")} - {"alerts.yaml"}
    assert {*re.findall(r"^\| `(.+\.yaml)` \|", page, re.MULTILINE)} == manifests
    commands = re.findall(r"^(sed .+?) \| kubectl ", page, re.MULTILINE)
    assert {
        file for command in commands for file in re.findall(r"deploy/(\S+)", command)
    } == manifests
    for command in commands:
        script = f"image=hub.example.org/shop:1a2b; {command}"
        done = subprocess.run(
            ["sh", "-ec", script], cwd=project.path, stdout=subprocess.PIPE, text=True
        )
        found = [document for document in yaml.safe_load_all(done.stdout) if document]
        assert len(found) == sum(
            len([*filter(None, yaml.safe_load_all((project.path / "deploy" / file).read_text()))])
            for file in re.findall(r"deploy/(\S+)", command)
        )
        images = re.findall(r'"image": "(.+?)"', json.dumps(found))
        assert {*images} == {"hub.example.org/shop:1a2b"}


def test_git_ignores_the_secrets() -> None:
    assert "/deploy/secrets.env\n" in (TEMPLATE / ".gitignore").read_text()

"""The JSON API does what its description says: schemathesis asks running services."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis

from tests.conftest import demand_servers
from tests.processes import guarded
from tests.project import PATIENT, bake
from tests.servers import Servers

pytestmark = pytest.mark.run

TOKEN = "a-token-for-the-suite"
SENT = ("--header", f"Authorization: Bearer {TOKEN}")
PROJECTS = [
    ("none", "cookie", "none"),
    ("simple", "filesystem", "sqlite"),
    ("redis", "redis", "postgresql"),
]
READS = {"GET /api/products", "GET /api/products/{product_id}"}
WRITES = {
    "POST /api/products",
    "PUT /api/products/{product_id}",
    "DELETE /api/products/{product_id}",
}


@pytest.mark.parametrize("choices", PROJECTS, ids="-".join)
def test_the_api_is_as_its_description_says(
    choices: tuple[str, str, str], servers: Servers, place: Path, tmp_path: Path
) -> None:
    answers = dict(zip(("cache_backend", "session_store", "database"), choices, strict=True))
    project = bake(place, answers)
    demand_servers(project.answers)
    stored = project.answers["database"] != "none"
    with servers.environment(project.answers, database=f"api_{os.getpid()}") as urls:
        project = replace(project, variables={**project.variables, **urls})
        project.run("make install")
        if stored:
            project.run("uv run flask db upgrade")
            project.run("uv run flask shop seed")
        with project.serving(PATIENT, API_TOKEN=TOKEN, WEB_CONCURRENCY="1") as client:
            see_the_examples_work(client)
            assert used(client, tmp_path, *SENT) == READS | (WRITES if stored else set())
            assert used(client, tmp_path, "--phases=coverage") == READS
        if stored:
            with project.serving(PATIENT, WEB_CONCURRENCY="1") as client:
                assert used(client, tmp_path, "--phases=examples,fuzzing", *SENT) == READS


def see_the_examples_work(client: httpx.Client) -> None:
    document = client.get("/api/openapi.json").json()
    schemathesis.openapi.from_dict(document).validate()
    parameters = [
        parameter
        for operation in document["paths"]["/api/products"].values()
        for parameter in operation.get("parameters", [])
        if "example" in parameter
    ]
    asked = {parameter["name"]: parameter["example"] for parameter in parameters}
    assert client.get("/api/products", params=asked).json()["total"] > 0
    product_id = document["components"]["parameters"]["Id"]["example"]
    assert client.get(f"/api/products/{product_id}").is_success
    for body in document["components"].get("requestBodies", {}).values():
        sent = body["content"]["application/json"]["example"]
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert client.post("/api/products", json=sent, headers=headers).status_code == 201


def used(client: httpx.Client, folder: Path, *options: str) -> set[str]:
    """The operations that took a valid request, if schemathesis finds no fault in any.

    It sends the same requests each time.
    """
    report = folder / "report.json"
    command = [
        *(f"{sys.prefix}/bin/schemathesis", "run", f"{client.base_url}/api/openapi.json"),
        *("--max-examples=12", "--generation-deterministic"),
        *("--continue-on-failure", "--report=json", f"--report-json-path={report}", "--no-color"),
        *options,
    ]
    done = subprocess.run(guarded(command), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(report.read_text())
    assert found["complete"]
    assert found["operations"]["tested"] == found["operations"]["total"]
    denied = {"missing_auth"}
    assert {about for about, told in found["warnings"].items() if told} <= denied
    return {
        operation
        for operation, phases in found["valid_rates"].items()
        if any(phase["accepted"] for phase in phases.values())
    }

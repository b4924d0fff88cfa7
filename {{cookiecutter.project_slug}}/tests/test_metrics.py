"""What Prometheus sees."""

import re
from collections import Counter

from flask.testing import FlaskClient

from .conftest import MakeApp


def test_requests_and_their_latency_are_counted_by_endpoint(client: FlaskClient) -> None:
    for _ in range(3):
        client.get("/tests/note")
    metrics = client.get("/metrics").text

    labels = '{endpoint="tests.note",method="GET",status="200"}'
    assert f"flask_http_request_duration_seconds_count{labels} 3.0" in metrics
    assert 'endpoint="metrics"' not in metrics


def test_cache_outcomes_are_counted_by_endpoint(client: FlaskClient) -> None:
    told = [client.get("/tests/cached").headers["Cache-Status"] for _ in range(2)]
    metrics = client.get("/metrics").text

    outcomes = Counter(re.findall(r"; (?:fwd=)?(hit|miss|bypass)", ", ".join(told)))
    assert outcomes.total() == 2
    for outcome, count in outcomes.items():
        labels = f'endpoint="tests.cached",outcome="{outcome}"'
        assert "cache_outcomes_total{" + labels + "} " + f"{count}.0" in metrics


def test_two_services_in_one_process_count_apart(make_app: MakeApp) -> None:
    first, second = make_app().test_client(), make_app().test_client()
    first.get("/tests/cached")

    assert 'endpoint="tests.cached"' in first.get("/metrics").text
    assert 'endpoint="tests.cached"' not in second.get("/metrics").text


def test_a_method_that_somebody_invented_is_no_label(client: FlaskClient) -> None:
    client.open("/tests/note", method="WHATEVER")

    assert "WHATEVER" not in client.get("/metrics").text


def test_in_production_metrics_are_on_their_own_port_only(make_app: MakeApp) -> None:
    app = make_app(APP_ENV="production", SECRET_KEY="k" * 48, METRICS_PORT=9100)
    client = app.test_client()

    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Host": "localhost:9100"}).status_code == 404
    inside = client.get("/metrics", environ_overrides={"SERVER_PORT": "9100"})
    assert inside.status_code == 200
    assert inside.text.startswith("# HELP")

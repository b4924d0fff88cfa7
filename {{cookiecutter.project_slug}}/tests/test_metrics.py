"""What Prometheus sees."""

from flask import Flask
from flask.testing import FlaskClient

from .conftest import MakeApp


def test_each_service_counts_its_own_requests_by_endpoint(make_app: MakeApp) -> None:
    client, other = make_app().test_client(), make_app().test_client()
    for _ in range(3):
        client.get("/tests/note")
    metrics = client.get("/metrics").text

    labels = '{endpoint="tests.note",method="GET",status="200"}'
    assert f"flask_http_request_duration_seconds_count{labels} 3.0" in metrics
    assert 'endpoint="metrics"' not in metrics
    assert 'endpoint="tests.note"' not in other.get("/metrics").text


def test_an_invented_method_is_no_label(client: FlaskClient) -> None:
    client.open("/tests/note", method="INVENTED")

    assert "INVENTED" not in client.get("/metrics").text


def test_in_production_the_app_itself_shows_no_metrics(production: Flask) -> None:
    client = production.test_client()

    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Host": "localhost:9100"}).status_code == 404

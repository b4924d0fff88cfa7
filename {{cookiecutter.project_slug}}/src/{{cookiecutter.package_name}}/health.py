"""Probes: /livez for the supervisor, /readyz for the load balancer."""

from flask import Flask, Response, jsonify
from flask.typing import ResponseReturnValue
# {% set parts = cookiecutter.__parts.split() %}
# {% set backends = "caching" in parts or "stored_sessions" in parts or "database" in parts %}
# {% if backends %}

from .engine.probes import Probes

DISPENSABLE = {"cache"}  # without the cache the service is slower, but it works
# {% endif %}

ALIVE = '{"status":"ok"}\n'
NEVER_KEPT = {"Cache-Control": "no-store"}


def init_health(app: Flask) -> None:
    # {% if backends %}
    probes = Probes(app, app.extensions["backends"])

    # {% endif %}
    @app.get("/livez")
    def livez() -> Response:
        """200 while the process can answer."""
        return Response(ALIVE, mimetype="application/json", headers=NEVER_KEPT)

    @app.get("/readyz")
    def readyz() -> ResponseReturnValue:
        # {% if backends %}
        """200 while the service works ("ok", or "degraded" without its cache), otherwise 503."""
        checks = probes.ask()
        down = {name for name, check in checks.items() if check["status"] != "ok"}
        status = "unavailable" if down - DISPENSABLE else "degraded" if down else "ok"
        code = 503 if status == "unavailable" else 200
        return jsonify(status=status, checks=checks), code, NEVER_KEPT
        # {% else %}
        """200: the service needs nothing but itself."""
        return jsonify(status="ok", checks={}), NEVER_KEPT
        # {% endif %}

"""Probes: /livez for the supervisor, /readyz for the load balancer."""

from flask import Flask, Response, jsonify
# {% set parts = cookiecutter.__parts.split() %}
# {% set backends = "caching" in parts or "stored_sessions" in parts or "database" in parts %}
# {% if backends %}

from .engine.probes import Probes

DISPENSABLE = {"cache"}  # without the cache the service is slower, but it works
# {% endif %}

ALIVE = '{"status":"ok"}\n'


def init_health(app: Flask) -> None:
    # {% if backends %}
    probes = Probes(app, app.extensions["backends"])

    # {% endif %}
    @app.get("/livez")
    def livez() -> Response:
        """200 while the process can answer."""
        return Response(ALIVE, mimetype="application/json", headers={"Cache-Control": "no-store"})

    @app.get("/readyz")
    def readyz() -> Response:
        # {% if backends %}
        """200 while the service works ("ok", or "degraded" without its cache), otherwise 503."""
        checks = probes.ask()
        down = {name for name, check in checks.items() if check["status"] != "ok"}
        status = "unavailable" if down - DISPENSABLE else "degraded" if down else "ok"
        response = _never_kept(jsonify(status=status, checks=checks))
        response.status_code = 503 if status == "unavailable" else 200
        return response
        # {% else %}
        """200: the service needs nothing but itself."""
        return _never_kept(jsonify(status="ok", checks={}))
        # {% endif %}


def _never_kept(response: Response) -> Response:
    response.cache_control.no_store = True
    return response

"""What Authlib and Flask-Session document, on the engine's sessions. Their archives have no tests.

Run with the plugin's FIELD; prints a line for each proof.
"""

import threading
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import field_plugin  # type: ignore  # puts the engine in place
from authlib.integrations.base_client.errors import MismatchingStateError  # type: ignore
from authlib.integrations.flask_client import OAuth  # type: ignore
from flask import Flask, Response, current_app, session

STORED = field_plugin.PLACE == "stored"


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        return


def service() -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="of the tests", TESTING=True)
    return app


def prove_authlib() -> None:
    """https://docs.authlib.org: the state and the nonce of a sign-in lie in the session."""
    provider = Flask("provider")
    provider.add_url_rule(
        "/token",
        "token",
        lambda: {"access_token": "granted", "token_type": "bearer"},
        methods=["POST"],
    )
    server = make_server("127.0.0.1", 0, provider, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    at = f"http://127.0.0.1:{server.server_port}"
    app = service()
    oauth = OAuth(app)
    oauth.register(
        "desk",
        client_id="a",
        client_secret="b",
        access_token_url=f"{at}/token",
        authorize_url=f"{at}/authorize",
        client_kwargs={"code_challenge_method": "S256"},
    )

    @app.get("/sign-in")
    def sign_in() -> Response:
        answer: Response = oauth.desk.authorize_redirect("http://localhost/back")
        return answer

    @app.get("/back")
    def back() -> dict[str, object]:
        token = oauth.desk.authorize_access_token()
        return {"token": token["access_token"], "left": [*session]}

    alice, mallory = app.test_client(), app.test_client()
    asked = alice.get("/sign-in")
    (state,) = parse_qs(urlsplit(asked.location).query)["state"]
    path = f"/back?code=c&state={state}"
    with suppress(MismatchingStateError):
        mallory.get(path)
        raise AssertionError("a stranger's state was accepted")
    assert alice.get(path).get_json() == {"token": "granted", "left": []}
    server.shutdown()
    print("Authlib: a sign-in keeps its state for its own visitor, and leaves nothing")


def prove_flask_session() -> None:
    """https://flask-session.readthedocs.io: `sid`, `regenerate`, permanent and dict sessions."""
    app = service()

    @app.get("/set")
    def put() -> str:
        session["key"] = "value"
        return "ok"

    @app.get("/get")
    def get() -> str:
        return str(session.get("key", "not set"))

    @app.get("/sid")
    def sid() -> str:
        return str(session.sid)  # type: ignore[attr-defined]

    @app.get("/regenerate")
    def regenerate() -> str:
        current_app.session_interface.regenerate(session)  # type: ignore[attr-defined]
        return "ok"

    @app.get("/delete")
    def delete() -> str:
        del session["key"]
        return "ok"

    client = app.test_client()
    assert client.get("/get").text == "not set"
    assert client.get("/set").text == "ok"
    assert client.get("/get").text == "value"
    if STORED:
        before = client.get("/sid").text
        client.get("/regenerate")
        assert client.get("/get").text == "value"
        assert client.get("/sid").text != before
    client.get("/delete")
    assert client.get("/get").text == "not set"
    print("Flask-Session: its documented session works")


prove_authlib()
prove_flask_session()

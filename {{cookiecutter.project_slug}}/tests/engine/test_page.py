"""Whether an answer may be shared depends on the session, and asking must not touch it."""

from importlib.metadata import version

from flask import Flask, session

from .hub import page


def test_only_a_touched_session_makes_an_answer_personal() -> None:
    app = Flask(__name__, static_folder=None)
    app.secret_key = "of the tests"
    with app.test_request_context():
        assert not page.session_touched()
        assert not page.session_touched()  # asking was no touch
        session.get("user")
        assert page.session_touched(), (
            f"Flask {version('flask')} keeps the session of a request in another place: "
            "see the private names at the top of engine/page.py."
        )

"""Flask-Login, as the generated README says: signing in works, and public pages stay cached."""

import re
from pathlib import Path

import pytest

from tests.project import BakedProject, bake

USERS = """

class User(UserMixin):
    id = "alice"
"""
PROOF = """
from flask import session

from my_service import create_app
from my_service.accounts import init_accounts
from my_service.caching import page

app = create_app({"APP_ENV": "testing"})
init_accounts(app)
app.add_url_rule("/public", "public", page(timeout=60)(lambda: "for everybody"))

def status(client, path="/public"):
    return client.get(path).headers["Cache-Status"].partition("; ")[2].partition(";")[0]

alice, bob = app.test_client(), app.test_client()
assert [status(alice), status(bob)] == ["fwd=miss", "hit"]
assert alice.get("/account").status_code == 401
before = alice.post("/sign-in")
assert before.status_code == 302
assert len(before.headers.getlist("Set-Cookie")) == 2  # the session, and "remember me"
assert alice.get("/account").text == "hello alice"
answer = alice.get("/public")
assert status(alice) == "hit"
assert "Set-Cookie" not in answer.headers and answer.cache_control.public
name = app.config["SESSION_COOKIE_NAME"]
alice.delete_cookie(name)  # the browser was closed
assert alice.get("/account").text == "hello alice"
stolen = alice.get_cookie(name).value
alice.post("/sign-out")
assert alice.get("/account").status_code == 401
assert bob.get("/account").status_code == 401
if STORED:
    bob.set_cookie(name, stolen)
    assert bob.get("/account").status_code == 401
assert status(bob) == "hit"
print("signed in and out")
"""


@pytest.mark.run
@pytest.mark.parametrize("store", ["filesystem", "cookie"])
def test_flask_login_works_and_public_pages_stay_cached(store: str, place: Path) -> None:
    answers = {"cache_backend": "simple", "session_store": store, "database": "none"}
    project = bake(place, answers)
    project.run("make install")
    project.run("uv pip install --python .venv --quiet flask-login")
    (project.package / "accounts.py").write_text(accounts(project))
    (project.path / "proof.py").write_text(f"STORED = {store != 'cookie'}\n{PROOF}")
    assert project.run("uv run python -W error proof.py").splitlines()[-1] == "signed in and out"


def accounts(project: BakedProject) -> str:
    """The README's module, with a user and a page."""
    readme = (project.path / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    code: str
    (code,) = [block for block in blocks if "flask_login" in block]
    for gap, filled in (
        ("def load_user(user_id: str) -> UserMixin: ...", "def load_user(user_id): return User()"),
        ("user = ...", "user = User()"),
        ("def account(): ...", 'def account(): return "hello alice"'),
        ("\n\ndef init_accounts", f"{USERS}\n\ndef init_accounts"),
    ):
        assert gap in code
        code = code.replace(gap, filled, 1)
    return code

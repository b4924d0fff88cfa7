"""Other projects' own tests, run against the engine: what fails is listed, with the reason."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.host import answers, host
from tests.project import environment

pytestmark = pytest.mark.run

SUITES = {
    "flask": "3.1.3",
    "flask-caching": "2.5.1",
    "flask-login": "0.6.3",
    "flask-wtf": "1.3.0",
    "flask-dance": "7.1.0",
    "flask-socketio": "5.7.0",
}
# What the suites need, and the engine, which is there as a whole.
TOOLS = ["pytest<9", "pytest-xprocess", "pytest-mock", "semantic-version", "asgiref"]
TOOLS += ["email-validator", "python-dotenv", "freezegun", "betamax", "responses", "lxml", "pillow"]
TOOLS += ["prometheus-client", "redis", "pymemcache", "pymongo", "flask-sqlalchemy"]
TOOLS += ["psycopg[binary]", "pymysql", "authlib==1.9.10", "requests"]

# Expected to fail, by suite and what of the engine it tests; with the promise that this serves.
LAZY = "a session that nobody used sends no cookie and no Vary, and is renewed now and then"
PERMANENT = "sessions are permanent by default, and Flask-Login's strong protection spares those"
VERSIONS = "tags take the place of the versions that the library keeps in the store"
ENTRIES = "entries are read and written with their tags in one round trip, not by get and set"
BACKEND = "`cache.cache` is the engine's backend, which speaks to the store"
KEYLESS = "ids in a store need no SECRET_KEY, and no signature"
NEWER = "fails with Flask's own sessions, too: Werkzeug is newer"
FAILING = {
    ("flask", "stored"): {
        "tests/test_basic.py::test_session_cookie_setting": LAZY,
        "tests/test_basic.py::test_session_refresh_vary": LAZY,
        "tests/test_reqctx.py::test_bad_environ_raises_bad_request": NEWER,
    },
    ("flask-login", "stored"): {
        "LoginTestCase::test_session_protection_strong_deletes_session": PERMANENT,
        "CustomTestClientTestCase::test_session_protection_modes": PERMANENT,
    },
    ("flask-wtf", "stored"): {},
    ("flask-wtf", "cookie"): {},
    ("flask-dance", "stored"): {},
    ("flask-socketio", "stored"): {
        "test_unmanaged_session": "a session in a store is saved after an event of a socket, too"
    },
    ("flask-socketio", "cookie"): {},
    ("flask-caching", "cache"): {
        "test_dict_config": BACKEND,
        "test_dict_config_initapp": BACKEND,
        "test_dict_config_both": BACKEND,
        "test_app_custom_cache_backend": BACKEND,
        "test_file_hash_method_is_independent": BACKEND,
        "test_init_nullcache": BACKEND,
        "test_memoize_version_key_outlives_newest_entry": VERSIONS,
        "test_memoize_version_key_expires_once_its_entries_have": VERSIONS,
        "test_memoize_verhash_delete": VERSIONS,
        "test_memoize_annotated_delete": VERSIONS,
        "test_delete_memoized_without_args_uses_public_set_many": VERSIONS,
        "test_delete_memoized_verhash_uses_public_delete_many": VERSIONS,
        "test_memoize_with_source_check_disabled": "two functions never share a value",
        "test_cached_uses_public_methods": ENTRIES,
        "test_cached_cache_none_uses_public_has": ENTRIES,
        "test_memoize_uses_public_methods": ENTRIES,
        "test_cached_view_http_exception_response_filter_gets_response": (
            "a 5xx is a failure: it is never stored, so no filter is asked"
        ),
    },
}
FAILING["flask", "cookie"] = FAILING["flask", "stored"]
FAILING["flask", "stored"] = FAILING["flask", "stored"] | {
    "tests/test_basic.py::test_session_using_samesite_attribute": LAZY,
    "tests/test_basic.py::test_missing_session": KEYLESS,
    "tests/test_basic.py::test_session_secret_key_fallbacks": KEYLESS,
    "tests/test_testing.py::test_session_transactions_no_null_sessions": KEYLESS,
}
FAILING["flask-login", "cookie"] = FAILING["flask-login", "stored"]
# The other files of Flask-Caching's suite test its backends, on servers of their own.
CACHING = ["basic_app", "cache", "hash_method", "init", "memoize", "signals", "subclassing"]
CACHING += ["templates", "view"]
FILES = {
    "flask-caching": [f"tests/test_{name}.py" for name in CACHING],
    "flask-socketio": ["test_socketio.py"],
}
DESELECTED = ["redis", "test_init_app_multi_apps", "test_cache_unlink"]  # need one of them

# Before 3.11.4, pip refuses to unpack Flask-WTF, because of a link in it.
PYTHON = sys.executable if sys.version_info >= (3, 11, 4) else ">=3.11.4,<3.12"
UNSET = {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""}  # a suite expects the defaults

Field = tuple[Path, dict[str, str]]


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Field:
    """A folder with the suites' sources, an environment for them, and the engine."""
    folder = tmp_path_factory.mktemp("field")
    python = str(folder / "venv" / "bin" / "python")
    pins = [f"{name}=={version}" for name, version in SUITES.items()]
    for command in (
        ["uv", "venv", "--seed", "--python", PYTHON, "venv"],
        ["uv", "pip", "install", "--python", python, *pins, *TOOLS],
        [python, "-m", "pip", "download", "--no-deps", "--no-binary=:all:", *pins],
    ):
        said(command, folder, environment())
    for archive in folder.glob("*.tar.gz"):
        said(["tar", "--extract", f"--file={archive}"], folder, environment())
    (folder / "engine").mkdir()
    variables = host(folder / "engine", answers("simple", "filesystem", "none")).variables
    shutil.copy(Path(__file__).with_name("plugin.py"), folder / "engine" / "field_plugin.py")
    return folder, {**variables, **UNSET, "PYTHONPATH": str(folder / "engine")}


def said(command: list[str], folder: Path, variables: Mapping[str, str]) -> str:
    """The output of a command, whether it fails or not."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ).stdout


def failed(field: Field, suite: str, place: str) -> set[str]:
    """The tests of a suite that fail with the engine in this place."""
    folder, variables = field
    name = f"{suite}-{SUITES[suite]}"
    (sources,) = [
        path
        for path in folder.iterdir()
        if path.is_dir() and path.name.lower().replace("_", "-").startswith(name)
    ]
    left_out = DESELECTED if suite == "flask-caching" else []
    rest = " and ".join(f"not {name}" for name in left_out)
    pytest_ = [str(folder / "venv/bin/python"), "-m", "pytest", "-p", "field_plugin", "-q"]
    command = [*pytest_, "-k", rest, *FILES.get(suite, ["tests"])]
    output = said(command, sources, {**variables, "FIELD": place})
    passed = re.search(r"(\d+) passed", output)
    assert int(passed[1] if passed else 0) > 40, output
    assert "ERROR" not in output, output
    return {found.partition("[")[0] for found in re.findall(r"^FAILED (\S+)", output, re.MULTILINE)}


@pytest.mark.parametrize(("suite", "place"), FAILING, ids=lambda name: name)
def test_a_suite_fails_only_where_a_promise_says_so(field: Field, suite: str, place: str) -> None:
    seen, expected = failed(field, suite, place), FAILING[suite, place]
    surprises = {test for test in seen if not test.endswith(tuple(expected))}
    mended = {test for test in expected if not any(name.endswith(test) for name in seen)}
    assert (surprises, mended) == (set(), set())


@pytest.mark.parametrize("place", ["stored", "cookie"])
def test_what_is_documented_works(field: Field, place: str) -> None:
    folder, variables = field
    script = str(Path(__file__).with_name("documented.py"))
    output = said([str(folder / "venv/bin/python"), script], folder, {**variables, "FIELD": place})
    assert [line.partition(":")[0] for line in output.splitlines()] == ["Authlib", "Flask-Session"]

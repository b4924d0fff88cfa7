"""Awkward answers: each gives a project that carries it unharmed, or is refused in a sentence."""

import html
import keyword
import re
import sys
import tomllib
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.answers import TEXT_FILES, refusal, rendered, rules, snapshot, typed
from tests.project import BakedProject, bake, cookiecutter
from tests.questions import combinations
from tests.test_matrix import PARSERS

pytestmark = pytest.mark.slow

AWKWARD = [
    """"double", 'single', `back`, \"\"\"triple\"\"\" and '''triple'''""",
    r"back\slash \n \u0041 \N{DASH}",
    "# hash: colon, - dash, % percent, & ampersand &amp; * star",
    "key: [yaml, {flow: !!python/object x}] &anchor *alias",
    "$HOME ${HOME} $(id) `id` !x %s %(x)s {x}",
    "<b>bold</b> <script>alert('x')</script> --> ]]>",
    "🚀 naïve 漢字 e\u0301 \U0001f468\u200d\U0001f469",
    "\u200f\u05e9\u05dc\u05d5\u05dd\u202e right to left \u2066",
    "{ braces } {% raw %} ${x}",  # {{ }} and {# #} cookiecutter takes for its own here
    "_under_ *star* ~~struck~~ [link](http://x) ![image](y) <http://z> $math$ #",
    "long " * 600,
]
# What matters as a whole: what it begins or ends with, or that it is no string in YAML.
WHOLE = ["- a leading dash", "1. a list | a table", '""" [tool] x = """', "last \\", "yes", "0123"]
# What an environment holds, as names of distributions and of modules.
PRINT_INSTALLED = """
import importlib.metadata, re
for name in [*(d.name for d in importlib.metadata.distributions()),
             *importlib.metadata.packages_distributions()]:
    name = re.sub("[-.]", "_", name.lower())
    if re.fullmatch("[a-z][a-z0-9_]*", name) and not name.endswith("__mypyc"):
        print(name)
"""
MARKDOWN = MarkdownIt().enable(["strikethrough", "table"])
NAMES = {"project_slug": "my-service", "package_name": "my_service"}
# Any text, and text made of what has a meaning in TOML, Python, YAML, Markdown, HTML or Jinja.
SYNTAX = st.text(st.sampled_from("\"'\\`#:-*_[]{}<>&%$!|~=+.()0aé🚀\u202e ")) | st.lists(
    st.sampled_from(['"""', "\\", "{{ x }}", "{%", "# {% if x %}", "{#", "${{", "&amp;", "\\u0041"])
).map("".join)


def say(text: str) -> dict[str, str]:
    """The text in all answers that take any."""
    return {"project_name": text, "description": text, "author_name": text} | NAMES


@given(st.text() | SYNTAX)
@settings(max_examples=600, deadline=None)
@example("\ud83d")
@example("a\tb")
@example("x\ny")
@example("\u2028")
@example(" padded ")
def test_any_text_is_carried_unharmed_or_refused(text: str) -> None:
    controls = any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text
    )
    refused = refusal(say(text))
    assert (refused is not None) == (controls or not text.strip()), refused
    if refused:
        assert re.fullmatch(r"project_name [^\n]+\.", refused)
        return
    for file in TEXT_FILES:
        assert_carried(file, rendered(file, say(text)), text)


def assert_carried(file: str, content: str, text: str) -> None:
    """The file parses and says the text where it says the name, the description or the author."""
    name = Path(file).name
    if name == "pyproject.toml":
        project = tomllib.loads(content)["project"]
        assert project["description"] == text
        assert project["authors"] == [{"name": text, "email": "you@example.com"}]
    elif name == "about.toml":
        assert tomllib.loads(content) == {"APP_NAME": text, "APP_DESCRIPTION": text}
    elif name == "README.md":
        head = MARKDOWN.parse(content.partition("\n| part")[0])
        assert [token.type for token in head] == [
            *("heading_open", "inline", "heading_close"),
            *("paragraph_open", "inline", "paragraph_close"),
        ]
        for inline in (head[1], head[4]):
            said = [token for token in inline.children or [] if token.type == "text"]
            marks = {token.type for token in inline.children or []} - {"text"}
            assert marks == ({"em_open", "em_close"} if inline is head[4] else set())
            assert "".join(token.content for token in said) == text.strip()
    else:
        pytest.fail(f"{file} holds free text: tell here how")


@pytest.mark.parametrize("text", [" · ".join(AWKWARD), *WHOLE])
def test_every_file_of_a_project_takes_awkward_text(text: str, tmp_path: Path) -> None:
    project = bake(tmp_path, say(text))
    for path in project.files():
        if parse := PARSERS.get(path.suffix):
            parse(path.read_text())
    for file in TEXT_FILES:
        path = project.path / file.replace("{{cookiecutter.package_name}}", "my_service")
        assert_carried(file, path.read_text(), text)
    assert_linted(project)


@given(st.text() | st.from_regex(r"[a-z0-9./\\-]{0,50}", fullmatch=True))
@settings(max_examples=600, deadline=None)
@example("../x")
@example("a/b")
@example("..")
@example(".")
@example("")
@example("con")
@example("flask")
@example("x" * 41)
@example("my-service")
def test_a_slug_is_a_plain_folder_name_or_refused(slug: str) -> None:
    answers = {"project_slug": slug, "package_name": "my_service"}
    folder = typed(answers)["cookiecutter"]["project_slug"]
    plain = re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) is not None and len(slug) <= 40
    assert folder == (slug if plain else ".refused")
    refused = refusal(answers)
    assert plain or refused
    assert refused is None or re.fullmatch(r"project_slug [^\n]+\.", refused)


@given(st.text() | st.from_regex(r"[a-z0-9_.]{0,50}", fullmatch=True))
@settings(max_examples=600, deadline=None)
@example("..")
@example("")
@example("naïve")
@example("x" * 41)
def test_a_package_name_can_be_imported_or_is_refused(name: str) -> None:
    refused = refusal({"package_name": name})
    if refused is None:
        assert name.isascii()
        assert name.islower()
        assert name.isidentifier()
        assert len(name) <= 40
        assert not keyword.iskeyword(name)
        assert name not in sys.stdlib_module_names
    else:
        assert re.fullmatch(r"package_name [^\n]+\.", refused)


@pytest.mark.parametrize(
    "name",
    [
        *(*keyword.kwlist, *keyword.softkwlist, "type", "flask", "redis", "sqlalchemy", "psycopg"),
        *("test", "json", "distutils", "compression", "tests", "src", "migrations", "mysql"),
        *("1abc", "0123", "naïve", "my.service", "my/service", "../x", "a b", "", "x" * 41, "con"),
        *("Capital", "dash-ed", "_private", "class\n"),
    ],
)
def test_a_bad_package_name_is_refused(name: str) -> None:
    assert re.fullmatch(r"package_name [^\n]+\.", refusal({"package_name": name}) or "")


def test_a_setting_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """A configuration file can say `description: yes`, which is no text in YAML."""
    (tmp_path / "config.yaml").write_text("default_context: {description: yes}")
    done = cookiecutter(tmp_path, "--config-file", str(tmp_path / "config.yaml"))
    assert re.fullmatch(r"description is not text: .*\.\n", done.stderr)


@pytest.mark.parametrize(
    ("slug", "flags"),
    [
        *((slug, []) for slug in ("../x", "../new", "a/b", "there/b", ".", "", "x" * 300)),
        *((slug, ["--overwrite-if-exists"]) for slug in ("../x", "..", "there/b", "", "there")),
    ],
)
def test_a_refused_slug_creates_and_deletes_nothing(
    slug: str, flags: list[str], tmp_path: Path
) -> None:
    output = tmp_path / "output"
    for folder in (tmp_path / "x", output / "there"):
        folder.mkdir(parents=True)
        (folder / "kept").write_text("ours")
    before = snapshot(tmp_path)
    package = "class" if slug == "there" else "my_service"  # an existing folder, another refusal
    done = cookiecutter(output, *flags, f"project_slug={slug}", f"package_name={package}")
    assert done.returncode == 1
    assert snapshot(tmp_path) == before
    assert re.fullmatch(r"(project_slug|package_name) [^\n]*\.\n", done.stderr)


def test_an_absolute_slug_creates_nothing(tmp_path: Path) -> None:
    done = cookiecutter(tmp_path / "output", f"project_slug={tmp_path}/elsewhere")
    assert "project_slug" in done.stderr
    assert snapshot(tmp_path).keys() <= {"output"}


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    done = cookiecutter(tmp_path, b"description=\xff\xfe")
    assert re.fullmatch(r"description has the control character .*\.\n", done.stderr)
    assert not any(tmp_path.iterdir())


def test_what_the_projects_declare_is_refused_as_a_name() -> None:
    declared = {
        re.split(r"[\[>]", requirement)[0].replace("-", "_")
        for answers in combinations().values()
        for requirement in requirements(answers)
    }
    assert len(declared) > 20
    assert declared <= {*rules({})["INSTALLED"].split()}


@pytest.mark.run
def test_what_the_projects_install_is_refused_as_a_name(tmp_path: Path) -> None:
    """All that any combination declares, installed together with what it depends on."""
    declared = {name for answers in combinations().values() for name in requirements(answers)}
    (tmp_path / "names.py").write_text(PRINT_INSTALLED)
    union = BakedProject(tmp_path, {})
    union.run("uv venv --quiet")
    union.run(f"uv pip install --python .venv --quiet {' '.join(declared)}")
    installed = union.run(".venv/bin/python names.py").split()
    assert len(installed) > 50
    assert {*installed} <= {*rules({})["INSTALLED"].split()}


def requirements(answers: dict[str, str]) -> list[str]:
    project = tomllib.loads(rendered("pyproject.toml", answers))
    return [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]


@pytest.mark.parametrize("length", [1, 40])
def test_short_and_long_names_leave_the_code_formatted(length: int, tmp_path: Path) -> None:
    for number, answers in enumerate([*combinations().values()][::27]):
        name = "abcdefghij" * 4
        names = {"project_slug": name[:length], "package_name": name[:length]}
        assert_linted(bake(tmp_path / str(number), answers | names))


def assert_linted(project: BakedProject) -> None:
    project.run(f"{sys.prefix}/bin/ruff check --no-cache .")
    project.run(f"{sys.prefix}/bin/ruff format --no-cache --check .")


@pytest.mark.run
def test_awkward_text_passes_the_checks_and_reaches_the_page(place: Path) -> None:
    text = " · ".join(AWKWARD)
    assert len(text) > 3000
    project = bake(place, say(text))
    project.run("make install")
    project.run("make check")
    project.run("uv run flask db upgrade")
    with project.serving(WEB_CONCURRENCY="1") as client:
        page = client.get("/").text
    assert f"{html.escape(text, quote=False)}</title>" in page.replace("&#34;", '"').replace(
        "&#39;", "'"
    )
    assert text in html.unescape(page)
    assert "<script>alert" not in page


def test_free_text_stands_in_no_python_file() -> None:
    """Long lines and look-alike letters are nothing to lint there."""
    assert [file for file in TEXT_FILES if file.endswith(".py")] == []

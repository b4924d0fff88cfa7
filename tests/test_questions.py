"""The questions: how they read, what follows from them and what they refuse."""

import html
import json
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from cookiecutter.exceptions import FailedHookException
from pytest_cookies.plugin import Cookies

from tests.project import cookiecutter
from tests.questions import CHOICES, QUESTIONS, REPOSITORY, TEMPLATE, refuse_unknown
from tests.servers import KINDS

BAD_ANSWERS = [
    ("project_slug", "Bad Slug!"),
    ("project_slug", "../elsewhere"),
    ("project_slug", "-dash"),
    ("project_slug", "x" * 64),
    ("package_name", "flask"),
    ("package_name", "json"),
    ("package_name", "class"),
    ("package_name", "tests"),
    ("package_name", "1abc"),
    ("package_name", "dash-ed"),
    ("package_name", "Capital"),
    ("author_email", "nope"),
    ("author_email", "two words@example.com"),
    ("description", "two\nlines"),
    ("author_name", " "),
]


@pytest.fixture(autouse=True)
def hooks_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """cookiecutter forgets a rendered hook in the temporary folder each time."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_every_question_and_choice_has_a_label() -> None:
    prompts = json.loads((REPOSITORY / "cookiecutter.json").read_text())["__prompts__"]
    assert prompts.keys() == QUESTIONS.keys()
    for question, label in prompts.items():
        if question in CHOICES:
            assert label.keys() == {"__prompt__", *CHOICES[question]}
        labels = label.values() if question in CHOICES else [label]
        assert all(labels), question
        assert "[" not in "".join(labels), "rich takes brackets for markup"


@pytest.mark.parametrize(
    ("name", "slug", "package"),
    [
        ("My Service", "my-service", "my_service"),
        ("Søren's  Café (2nd)", "soren-s-cafe-2nd", "soren_s_cafe_2nd"),
    ],
)
def test_slug_and_package_follow_from_the_name(
    name: str, slug: str, package: str, cookies: Cookies
) -> None:
    project = cookies.bake(extra_context={"project_name": name}).project_path
    assert project.name == slug
    assert [path.name for path in (project / "src").iterdir()] == [package]


def test_the_first_choices_need_no_server() -> None:
    assert {choices[0] for choices in CHOICES.values()}.isdisjoint(KINDS)


@pytest.mark.parametrize(("question", "answer"), BAD_ANSWERS)
def test_a_bad_answer_is_refused_in_a_sentence_and_leaves_nothing(
    question: str,
    answer: str,
    cookies: Cookies,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    result = cookies.bake(extra_context={question: answer})
    assert isinstance(result.exception, FailedHookException)
    assert re.fullmatch(rf"{question} .*\.\n", capfd.readouterr().err)
    assert not any(tmp_path.glob("cookies/*/*"))


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"cache": "redis"}, r"cache is not a question: choose from .*cache_backend.*\."),
        ({"cache_backend": "reddis"}, r"cache_backend=reddis is not a choice: .*redis.*\."),
    ],
)
def test_the_suite_refuses_answers_that_cookiecutter_would_ignore(
    answers: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        refuse_unknown(answers)


def test_a_file_that_is_only_in_the_table_fails_the_generation(
    cookies: Cookies, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    template = tmp_path / "template"
    shutil.copytree(REPOSITORY / "hooks", template / "hooks")
    shutil.copy(REPOSITORY / "cookiecutter.json", template)
    shutil.copytree(TEMPLATE, template / TEMPLATE.name)
    (absent,) = template.glob("*/src/*/engine/caching/stores/memcached.py")
    absent.unlink()
    result = cookies.bake(template=str(template))
    assert isinstance(result.exception, FailedHookException)
    assert "caching/stores/memcached.py" in capfd.readouterr().err
    assert not any(tmp_path.glob("cookies/*/*"))


@pytest.mark.parametrize(
    ("backend", "command"), [("simple", "make run"), ("redis", "make servers run")]
)
def test_generation_ends_with_what_to_do_next(backend: str, command: str, tmp_path: Path) -> None:
    where = {"here": str(tmp_path), "elsewhere": str(REPOSITORY)}
    said = {
        place: cookiecutter(tmp_path / place, f"cache_backend={backend}", PWD=where[place]).stdout
        for place in where
    }
    first, *commands = said["here"].splitlines()
    assert first.startswith("The service is in here/my-service.")
    assert [line.partition("  ")[0] for line in commands] == ["make up", command]
    assert said["elsewhere"] == ""


def test_the_picture_in_the_readme_shows_the_questions_as_they_are_asked() -> None:
    """`make pictures` draws it anew."""
    drawn = (REPOSITORY / "docs" / "questions.svg").read_text()
    shown = html.unescape(re.sub(r"<[^>]+>", "", drawn)).replace("\xa0", " ")
    prompts = json.loads((REPOSITORY / "cookiecutter.json").read_text())["__prompts__"].values()
    asked = [each if isinstance(each, list | str) else [*each.values()] for each in prompts]
    labels = [label for each in asked for label in ([each] if isinstance(each, str) else each)]
    assert [label for label in labels if label not in shown] == []

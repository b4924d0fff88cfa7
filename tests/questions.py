"""The questions of cookiecutter.json, as the suite and the demonstration ask them."""

import json
from collections.abc import Mapping
from itertools import cycle, product
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
TEMPLATE = REPOSITORY / "{{cookiecutter.project_slug}}"

QUESTIONS: dict[str, str | list[str]] = {
    question: default
    for question, default in json.loads((REPOSITORY / "cookiecutter.json").read_text()).items()
    if not question.startswith("_")
}
CHOICES = {
    question: choices for question, choices in QUESTIONS.items() if isinstance(choices, list)
}
# The questions about backends, of which every combination is tried.
BACKENDS = [question for question in CHOICES if question != "ci"]


def refuse_unknown(answers: Mapping[str, str]) -> None:
    """Raise ValueError, a sentence, for what cookiecutter would ignore or end in a traceback."""
    for question, answer in answers.items():
        if question not in QUESTIONS:
            raise ValueError(f"{question} is not a question: choose from {', '.join(QUESTIONS)}.")
        if answer not in CHOICES.get(question, [answer]):
            raise ValueError(
                f"{question}={answer} is not a choice: choose from {', '.join(CHOICES[question])}."
            )


def combinations() -> dict[str, dict[str, str]]:
    """Every combination of backends by the name that `pytest -k` selects it by.

    Such as cache=redis-sessions=redis-database=mysql. The answers for `ci` take turns. Those with
    one database follow each other: what mypy knows of its libraries holds for the next one.
    """
    turns = cycle(CHOICES["ci"])
    named = {
        f"cache={cache}-sessions={sessions}-database={database}": {
            "cache_backend": cache,
            "session_store": sessions,
            "database": database,
            "ci": next(turns),
        }
        for cache, sessions, database in product(*(CHOICES[question] for question in BACKENDS))
    }
    return dict(sorted(named.items(), key=lambda item: item[1]["database"]))


def pairs() -> set[str]:
    """Names of combinations in which any two answers about backends meet, as few as possible."""
    caches, stores, databases = (CHOICES[question] for question in BACKENDS)
    return {
        f"cache={cache}-sessions={sessions}-database={databases[(row + column) % len(databases)]}"
        for row, cache in enumerate(caches)
        for column, sessions in enumerate(stores)
    }

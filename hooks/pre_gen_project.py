"""Refuse answers that cannot work, before a file is written: one sentence each."""

import keyword
import sys
import unicodedata

# In hexadecimal, so that no answer ends this literal; json and re would take as long to import as
# Python takes to start.
GIVEN = """
# {% for question, answer in cookiecutter.items() if answer is string %}
{{ question }} {{ answer.encode("utf-8", "surrogatepass").hex() }}
# {% endfor %}
"""
ANSWERS = {
    question: bytes.fromhex(answer).decode("utf-8", "surrogatepass")
    for question, _, answer in (line.partition(" ") for line in GIVEN.strip().splitlines())
}
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
DIGITS = frozenset("0123456789")
LONGEST_NAME = 40  # characters: a longer one would not fit into lines of code and database names

# What the projects install, by the names of import and of distribution: the project's own must
# differ from both. A test compares.
INSTALLED = """
    alembic annotated_types ast_serialize async_timeout blinker bson cachelib cffi cfgv click
    colorama cryptography deptry distlib dns dnspython dotenv filelock flask flask_caching
    flask_migrate flask_sqlalchemy granian gridfs hiredis identify iniconfig itsdangerous jinja2
    librt mako markdown_it markdown_it_py markupsafe mdurl mypy mypy_extensions mypyc nodeenv
    packaging pathspec pip platformdirs pluggy pre_commit prometheus_client
    prometheus_flask_exporter psycopg psycopg_binary py pycparser pydantic pydantic_core
    pydantic_settings pygments pymemcache pymongo pymysql pytest python_discovery python_dotenv
    pyyaml redis requirements requirements_parser rich ruff setuptools sqlalchemy tomli
    typing_extensions typing_inspection tzdata virtualenv werkzeug wheel yaml
"""
KEYWORDS = [*keyword.kwlist, *keyword.softkwlist, "type"]  # which is one since 3.12
# Of the standard library since 3.11, what this Python may no longer or not yet have.
STANDARD = """
    aifc asynchat asyncore audioop cgi cgitb chunk compression crypt distutils imghdr imp lib2to3
    mailcap msilib nis nntplib ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib uu xdrlib
"""
# Names that the project's tools or its database give to something else.
TAKEN = """
    app conftest information_schema migrations mysql performance_schema postgres
    src template0 template1 test tests var
"""
# What Windows takes for a device, whatever the folder.
DEVICES = """
    con prn aux nul com0 com1 com2 com3 com4 com5 com6 com7 com8 com9
    lpt0 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9
"""


def refuse_text(question: str) -> str | None:
    """Free text stands in TOML, Markdown and HTML: one line of printable characters."""
    given = ANSWERS.get(question)
    if given is None:
        return f"{question} is not text: put quotes around it."
    for character in given:
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
            return (
                f"{question} has the control character {character!r}: give one line of printable "
                "text."
            )
    if not given.strip():
        return f"{question} is empty: give one line of text."
    return None


def refuse_slug() -> str | None:
    """cookiecutter.json has put .refused for a slug that could lead out of the output folder."""
    given = ANSWERS["__given_slug"]
    words = ANSWERS["project_slug"].split("-")
    if not all(words) or not set().union(*words) <= LETTERS | DIGITS:
        return (
            f"project_slug {shown(given)} cannot name a folder and a container: use up to "
            f"{LONGEST_NAME} lower-case letters, digits and single hyphens, such as my-service."
        )
    return refuse_name("project_slug", joint="-")


def refuse_package() -> str | None:
    given = ANSWERS["package_name"]
    if (
        not set(given[:1]) <= LETTERS
        or not LETTERS | DIGITS | {"_"} >= set(given)
        or not 0 < len(given) <= LONGEST_NAME
        or given in KEYWORDS
    ):
        return (
            f"package_name {shown(given)} cannot name a package: use up to {LONGEST_NAME} "
            "lower-case letters, digits and underscores, a letter first, no Python keyword, such "
            "as my_service."
        )
    if given in sys.stdlib_module_names or given in STANDARD.split():
        return (
            f"package_name {given!r} would shadow Python's own module: choose another, such as "
            f"{given}_service."
        )
    return refuse_name("package_name", joint="_", taken=TAKEN)


def refuse_name(question: str, joint: str, taken: str = "") -> str | None:
    given = ANSWERS[question]
    if given.replace("-", "_") in f"{INSTALLED} {DEVICES} {taken}".split():
        return (
            f"{question} {given!r} is the name of something else in the project or the system: "
            f"choose another, such as {given}{joint}service."
        )
    return None


def refuse_email() -> str | None:
    given = ANSWERS["author_email"]
    person, _, host = given.rpartition("@")
    words = host.lower().replace("-", "").split(".")
    if (
        person
        and set(person).isdisjoint("@ \"'\\<>,;()")
        and given.isascii()
        and given.isprintable()
        and len(words) > 1
        and all(words)
        and set().union(*words) <= LETTERS | DIGITS
    ):
        return None
    return f"author_email {shown(given)} is not an e-mail address: use the form you@example.com."


def shown(given: str) -> str:
    return repr(given if len(given) <= 60 else f"{given[:59]}…")


refusals = [
    *(refuse_text(question) for question in ("project_name", "description", "author_name")),
    refuse_slug(),
    refuse_package(),
    refuse_email(),
]
for refusal in refusals:
    if refusal:
        sys.exit(refusal)

"""Remove the files of what was not chosen, by the tables of cookiecutter.json."""

import os
import sys

# What the project is made of, and a line for each entry of the tables: its name and its paths.
CHOSEN = "{{ cookiecutter.__parts }}"
TABLE = """
# {% for choice, entry in cookiecutter._choices.items() %}
{{ choice }} {{ entry.files | default([]) | join(" ") }}
# {% for role in cookiecutter.__chosen if role in entry %}
{{ role }}={{ choice }} {{ entry[role].files | default([]) | join(" ") }}
# {% endfor %}
# {% endfor %}
# {% for part, entry in cookiecutter._shared.items() %}
{{ part }} {{ entry.files | default([]) | join(" ") }}
# {% endfor %}
"""

chosen = CHOSEN.split()
lines = TABLE.replace("{package}", "{{ cookiecutter.package_name }}").strip().splitlines()
paths = {name: rest.split() for name, _, rest in (line.partition(" ") for line in lines)}
listed = {path for name in paths for path in paths[name]}
needed = {path for name in paths if name in chosen for path in paths[name]}
if absent := sorted(path for path in listed if not os.path.exists(path)):
    sys.exit(f"cookiecutter.json lists {absent[0]}, which the template does not have.")

# When this generation began: it copies this file first. What is older in a folder is the team's.
BEGIN = os.stat(".dockerignore").st_mtime_ns


def files(path: str) -> list[str]:
    """The file; or the files of the folder that were just written and are not listed themselves."""
    if os.path.isfile(path):
        return [path]
    found = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
    return [file for file in found if file not in listed and os.stat(file).st_mtime_ns >= BEGIN]


unneeded = [file for path in listed - needed for file in files(path)]
for path in unneeded:
    os.remove(path)
    while not os.listdir(path := os.path.dirname(path) or "."):  # a team may keep its own there
        os.rmdir(path)

place = os.path.relpath(os.getcwd(), os.environ.get("PWD", os.pardir))
if not place.startswith(os.pardir):  # elsewhere, a tool is at work
    print(f"The service is in {place}. Go there, and type one of these; `make` shows all commands:")
    print("make up     starts it in containers, as in production, on http://localhost:8000")
    # {% if cookiecutter.__servers %}
    print("make servers run    starts its servers in containers, and runs it on this machine")
    # {% else %}
    print("make run    runs it on this machine, and shows each edit")
    # {% endif %}

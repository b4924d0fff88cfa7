"""Remove the files of what was not chosen, from one table."""

import os
import sys

PACKAGE = "src/{{ cookiecutter.package_name }}"
GIVEN = {
    "cache_backend={{ cookiecutter.cache_backend }}",
    "session_store={{ cookiecutter.session_store }}",
    "database={{ cookiecutter.database }}",
    "ci={{ cookiecutter.ci }}",
}

METRICS = f"{PACKAGE}/backend_metrics.py"
CACHING = ["tests/test_caching.py", METRICS]
CACHING_SERVER = [*CACHING, "tests/test_caching_outage.py"]
SERVER = ["compose.dev.yaml", "tests/line.py"]
REDIS = [f"{PACKAGE}/redis_client.py", "tests/test_redis_client.py", *SERVER]
MEMCACHED = [f"{PACKAGE}/memcached_client.py", "tests/test_memcached_client.py", *SERVER]
STORE = [
    f"{PACKAGE}/sessions/interface.py",
    "tests/test_sessions.py",
    "tests/test_sessions_outage.py",
    METRICS,
]
DATABASE = [
    f"{PACKAGE}/database.py",
    f"{PACKAGE}/migrations/alembic.ini",
    f"{PACKAGE}/migrations/env.py",
    f"{PACKAGE}/migrations/script.py.mako",
    f"{PACKAGE}/migrations/versions/0001_products.py",
    f"{PACKAGE}/shop/catalogue.py",
    f"{PACKAGE}/shop/cli.py",
    f"{PACKAGE}/shop/models.py",
    f"{PACKAGE}/shop/writes.py",
    "tests/shop/conftest.py",
    "tests/shop/test_writes.py",
    "tests/test_invalidation.py",
    "tests/test_migrations.py",
]
DATABASE_SERVER = [
    *DATABASE,
    f"{PACKAGE}/database_connections.py",
    "tests/test_database_outage.py",
    *SERVER,
]
# answer -> the files that it needs. A file listed here stays when any given answer needs it.
NEEDS = {
    "cache_backend=simple": [
        f"{PACKAGE}/caching/memory.py",
        "tests/test_caching_memory.py",
        *CACHING,
    ],
    "cache_backend=filesystem": [f"{PACKAGE}/caching/filesystem.py", *CACHING],
    "cache_backend=redis": [f"{PACKAGE}/caching/redis.py", *CACHING_SERVER, *REDIS],
    "cache_backend=memcached": [f"{PACKAGE}/caching/memcached.py", *CACHING_SERVER, *MEMCACHED],
    "session_store=filesystem": [
        f"{PACKAGE}/sessions/filesystem.py",
        "tests/test_sessions_filesystem.py",
        *STORE,
    ],
    "session_store=cookie": [f"{PACKAGE}/sessions/cookie.py", "tests/test_sessions_cookie.py"],
    "session_store=redis": [
        f"{PACKAGE}/sessions/redis.py",
        "tests/test_sessions_redis.py",
        *STORE,
        *REDIS,
    ],
    "session_store=memcached": [
        f"{PACKAGE}/sessions/memcached.py",
        "tests/test_sessions_memcached.py",
        *STORE,
        *MEMCACHED,
    ],
    "session_store=sql": [f"{PACKAGE}/sessions/sql.py", "tests/test_sessions_sql.py", *STORE],
    "database=sqlite": DATABASE,
    "database=postgresql": DATABASE_SERVER,
    "database=mysql": DATABASE_SERVER,
    "database=none": [f"{PACKAGE}/shop/upstream.py"],
    "ci=github": [".github/dependabot.yml", ".github/workflows/ci.yml"],
    "ci=gitlab": [".gitlab-ci.yml"],
}

listed = {path for paths in NEEDS.values() for path in paths}
needed = {path for answer in GIVEN for path in NEEDS.get(answer, [])}
if absent := sorted(path for path in listed if not os.path.exists(path)):
    sys.exit(f"hooks/post_gen_project.py lists {absent[0]}, which the template does not have.")
for path in listed - needed:
    os.remove(path)
    while not os.listdir(path := os.path.dirname(path) or "."):  # a team may keep its own there
        os.rmdir(path)

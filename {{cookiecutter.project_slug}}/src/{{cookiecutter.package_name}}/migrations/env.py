"""How Alembic reaches the service's database: through the app, `flask db …`."""

import logging

from alembic import context
from alembic.operations import MigrationScript
from flask import current_app
from sqlalchemy import NullPool, create_engine

db = current_app.extensions["migrate"].db
logger = logging.getLogger("alembic.env")


# {% if cookiecutter.session_store == "sql" %}
def ours(name: str | None, kind: str, _: object) -> bool:
    return not (kind == "table" and name == "sessions")  # the session store keeps its own table


# {% endif %}
def drop_empty(_context: object, _revision: object, scripts: list[MigrationScript]) -> None:
    """`flask db migrate` writes nothing where no model has changed."""
    found = scripts[0].upgrade_ops
    if getattr(context.config.cmd_opts, "autogenerate", False) and found and found.is_empty():
        scripts.clear()
        logger.info("No changes in schema detected.")


def run() -> None:
    # An engine of their own: they take what time they need, where a request has little.
    with create_engine(db.engine.url, poolclass=NullPool).connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            # {% if cookiecutter.session_store == "sql" %}
            include_name=ours,
            # {% endif %}
            process_revision_directives=drop_empty,
            compare_type=True,
            # {% if cookiecutter.database == "sqlite" %}
            render_as_batch=True,  # SQLite alters a table by copying it
            # {% endif %}
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    context.configure(url=db.engine.url, target_metadata=db.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    run()

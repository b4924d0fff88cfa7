"""Runs the migrations of `flask db …` on the database of the app."""

import logging

from alembic import context
from alembic.operations import MigrationScript
from flask import current_app
from sqlalchemy import NullPool, create_engine

db = current_app.extensions["migrate"].db
logger = logging.getLogger("alembic.env")


# {% if cookiecutter.session_store == "sql" %}
def ours(name: str | None, kind: str, _: object) -> bool:
    return not (kind == "table" and name == "sessions")  # the session store creates it


# {% endif %}
def drop_empty(_context: object, _revision: object, scripts: list[MigrationScript]) -> None:
    """`flask db migrate` writes no file if no model has changed."""
    found = scripts[0].upgrade_ops
    if getattr(context.config.cmd_opts, "autogenerate", False) and found and found.is_empty():
        scripts.clear()
        logger.info("No changes in schema detected.")


def run() -> None:
    # An engine without time limits: a migration may take longer than a request.
    with create_engine(db.engine.url, poolclass=NullPool).connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            # {% if cookiecutter.session_store == "sql" %}
            include_name=ours,
            # {% endif %}
            process_revision_directives=drop_empty,
            compare_type=True,
            # If the database cannot alter a table, the migration copies it.
            render_as_batch=not connection.dialect.supports_alter,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    context.configure(url=db.engine.url, target_metadata=db.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    run()

"""Runs the migrations of `flask db …` on the database of the app."""

import logging
from pathlib import Path

from alembic import context
from alembic.operations import MigrationScript
from flask import current_app
from sqlalchemy import NullPool, create_engine

db = current_app.extensions["migrate"].db
logger = logging.getLogger("alembic.env")


def ours(name: str | None, kind: str, _: object) -> bool:
    """Whether a table has a model or had a migration: tables of others are left alone."""
    versions = Path(__file__).with_name("versions").glob("*.py")
    known = name in db.metadata.tables or any(f'"{name}"' in file.read_text() for file in versions)
    return kind != "table" or known


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
            include_name=ours,
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

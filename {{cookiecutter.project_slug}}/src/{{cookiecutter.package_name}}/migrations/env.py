"""How Alembic reaches the service's database: through the app, `flask db …`."""

from alembic import context
from flask import current_app
from sqlalchemy import NullPool, create_engine

db = current_app.extensions["migrate"].db


def ours(name: str | None, kind: str, _: object) -> bool:
    return not (kind == "table" and name == "sessions")  # the session store keeps its own table


def run() -> None:
    # An engine of their own: they take what time they need, where a request has little.
    with create_engine(db.engine.url, poolclass=NullPool).connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            include_name=ours,
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

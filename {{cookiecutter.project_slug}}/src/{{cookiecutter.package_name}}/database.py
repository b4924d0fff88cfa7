"""The database: models derive from `Base`, views use `db.session`, `flask db` migrates."""

from pathlib import Path

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData, text
from sqlalchemy.orm import DeclarativeBase

from .caching import invalidate
from .engine.databases import gate, invalidation
from .settings import Settings


class Base(DeclarativeBase):
    """The base class of every model. A commit that changes rows invalidates `__cache_tags__`."""

    metadata = MetaData(
        naming_convention={  # so that migrations can drop constraints by name
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    __cache_tags__: tuple[str, ...] = ()


class Database(SQLAlchemy):
    """Flask-SQLAlchemy, and what the probe asks."""

    def ping(self) -> None:
        """Ask for an answer, on a separate connection. Raises the driver's errors."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))


db = Database(model_class=Base, session_options={"class_": gate.RequestSession})
migrate = Migrate(db=db, directory=str(Path(__file__).parent / "migrations"))
invalidation.watch(invalidate)


def init_database(app: Flask, settings: Settings) -> None:
    """Bind `db` to DATABASE_URL. Nothing connects before the first query."""
    gate.bind(db, app, settings.database_url.get_secret_value())
    migrate.init_app(app)
    app.extensions["backends"]["database"] = db

"""Real servers for tests and demonstrations.

    with Servers() as servers, servers.environment(answers, "shop") as variables:
        subprocess.run(["make", "check"], env=os.environ | variables)

Each server is a process of its own on a free port of 127.0.0.1, with its data in a temporary
folder; it starts when it is first needed and ends with the block. TEST_REDIS_URL,
TEST_MEMCACHED_URL, TEST_MONGODB_URL, TEST_POSTGRESQL_URL and TEST_MYSQL_URL name servers to use
instead, which are not emptied.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from glob import glob
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals
from typing import Any, ClassVar, Self

import pymongo
import sqlalchemy

from tests.processes import free_port, running
from tests.questions import REPOSITORY

# The variables of a generated project that name servers, and the questions that decide which.
VARIABLES = {
    "CACHE_URL": "cache_backend",
    "SESSION_URL": "session_store",
    "DATABASE_URL": "database",
}
# Debian keeps MariaDB off the PATH of users, and PostgreSQL off everybody's. What speaks MongoDB's
# protocol is not Debian's: scripts/bootstrap puts it here.
PATH = os.pathsep.join(
    [
        os.environ["PATH"],
        "/usr/sbin",
        *sorted(glob("/usr/lib/postgresql/*/bin"), reverse=True),
        str(REPOSITORY / ".venv-mongodb" / "bin"),
    ]
)
# Most of these servers refuse to run as root.
ROOT = os.geteuid() == 0
NOBODY: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if ROOT else {}


class Server(ABC):
    """How one kind of server is run, in an empty folder of its own."""

    program: ClassVar[str]
    user: ClassVar[dict[str, Any]] = NOBODY
    stop: ClassVar[Signals] = SIGTERM

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()

    @property
    @abstractmethod
    def url(self) -> str:
        """Where it listens, for a client that names no database."""

    def prepare(self) -> None:
        """Fill the folder with what the server expects there."""
        return

    @abstractmethod
    def arguments(self) -> list[str]: ...

    @abstractmethod
    def ready(self) -> bool: ...

    def empty(self) -> None:
        """Forget what clients have written."""
        return

    @contextmanager
    def started(self) -> Iterator[Self]:
        """The server, running while the block lasts."""
        self.prepare()
        with running(
            [executable(self.program), *self.arguments()],
            ready=self.ready,
            log=self.folder / "log",
            stop=self.stop,
            cwd=self.folder,
            **self.user,
        ) as self.process:
            yield self

    def run(self, program: str, *arguments: str, stdin: str = "") -> None:
        """Run a program that prepares the folder. Raises RuntimeError with its output."""
        done = subprocess.run(
            [executable(program), *arguments],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            **self.user,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}")

    def ask(self, line: str) -> str:
        """The first line of the answer to a line of text; nothing while nobody listens."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                connection.sendall(f"{line}\r\n".encode())
                return connection.makefile().readline().strip()
        except ConnectionError:
            return ""


class Redis(Server):
    program = "redis-server"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def arguments(self) -> list[str]:
        return ["--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]

    def ready(self) -> bool:
        return self.ask("PING") == "+PONG"

    def empty(self) -> None:
        self.ask("FLUSHALL")


class Memcached(Server):
    program = "memcached"

    @property
    def url(self) -> str:
        return f"memcached://127.0.0.1:{self.port}"

    def arguments(self) -> list[str]:
        return ["--listen=127.0.0.1", f"--port={self.port}"]

    def ready(self) -> bool:
        return self.ask("version").startswith("VERSION")

    def empty(self) -> None:
        self.ask("flush_all")


class MongoDB(Server):
    """SecantusDB, which speaks MongoDB's protocol and stores as MongoDB does, with WiredTiger.

    What it has confirmed is on the disk: MongoDB does that for a write that asks for it.
    """

    program = "secantusd-py"
    user: ClassVar[dict[str, Any]] = {}  # nobody may not look into the folder of root's programs

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/"

    def arguments(self) -> list[str]:
        return [
            *("--host", "127.0.0.1", "--port", str(self.port)),
            *("--storage-path", "data", "--standalone", "--sync-on-commit"),
        ]

    def ready(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.admin.command("ping")["ok"])
        except pymongo.errors.PyMongoError:
            return False

    def empty(self) -> None:
        with self.client() as client:
            for name in client.list_database_names():
                if name not in ("admin", "config", "local"):
                    client.drop_database(name)

    def client(self) -> pymongo.MongoClient[dict[str, Any]]:
        return pymongo.MongoClient(self.url, serverSelectionTimeoutMS=5000)


class SQLServer(Server):
    """A database server with a user app, password app, who may create databases.

    It need not survive a crash of the machine, so it never waits for the disk.
    """

    def ready(self) -> bool:
        try:
            execute(self.url, "SELECT 1")
        except sqlalchemy.exc.OperationalError:
            return False
        return True


class PostgreSQL(SQLServer):
    program = "postgres"
    stop = SIGINT  # "fast": SIGTERM would wait for clients to leave

    @property
    def url(self) -> str:
        return f"postgresql://app:app@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        self.run(
            *("initdb", "--pgdata=data", "--username=postgres", "--no-sync"),
            *("--encoding=UTF8", "--locale=C.UTF-8"),
            *("--auth-local=peer", "--auth-host=scram-sha-256"),
        )
        self.run(
            *("postgres", "--single", "-F", "-D", "data", "postgres"),
            stdin="CREATE ROLE app LOGIN CREATEDB PASSWORD 'app'",
        )

    def arguments(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        return ["-D", "data", *(f"--{name}={value}" for name, value in settings.items())]


class MariaDB(SQLServer):
    program = "mariadbd"

    @property
    def url(self) -> str:
        return f"mysql://app:app@127.0.0.1:{self.port}"

    def prepare(self) -> None:
        self.run("mariadb-install-db", "--no-defaults", *self.folders())
        (self.folder / "init.sql").write_text(
            "CREATE USER app@'%' IDENTIFIED BY 'app';\nGRANT ALL ON *.* TO app@'%';\n"
        )

    def arguments(self) -> list[str]:
        return [
            "--no-defaults",
            *self.folders(),
            f"--socket={self.folder}/socket",
            f"--init-file={self.folder}/init.sql",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            "--character-set-server=utf8mb4",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-flush-method=nosync",
        ]

    def folders(self) -> list[str]:
        """A server that starts empties the folder of temporary files, whoever else uses it."""
        return [f"--datadir={self.folder}/data", f"--tmpdir={self.folder}"]


# The choices of cookiecutter.json that need a server.
KINDS: dict[str, type[Server]] = {
    "redis": Redis,
    "memcached": Memcached,
    "mongodb": MongoDB,
    "postgresql": PostgreSQL,
    "mysql": MariaDB,
}


def given(kind: str) -> str | None:
    """The address of a server to use instead of one of our own."""
    return os.environ.get(f"TEST_{kind.upper()}_URL")


def missing(answers: Mapping[str, str]) -> list[str]:
    """The programs that serve a project with these answers and that this machine lacks."""
    kinds = {answers[question] for question in VARIABLES.values()} & KINDS.keys()
    programs = (KINDS[kind].program for kind in kinds if not given(kind))
    return sorted(program for program in programs if not shutil.which(program, path=PATH))


class Servers(AbstractContextManager["Servers"]):
    """The servers of one process: one for each of a project's variables and each kind."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._started: dict[tuple[str, str], Server] = {}

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @contextmanager
    def environment(self, answers: Mapping[str, str], database: str) -> Iterator[dict[str, str]]:
        """The variables that lead a project with these answers to empty servers.

        Its database is created under the given name, and dropped after the block.
        """
        kinds = {variable: answers[question] for variable, question in VARIABLES.items()}
        urls = {
            variable: given(kind) or self._server(variable, kind).url
            for variable, kind in kinds.items()
            if kind in KINDS
        }
        for server in self._started.values():
            server.empty()
        with ExitStack() as stack:
            if "DATABASE_URL" in urls:
                urls["DATABASE_URL"] = stack.enter_context(created(urls["DATABASE_URL"], database))
            yield urls

    def _server(self, variable: str, kind: str) -> Server:
        if (variable, kind) not in self._started:
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{kind}-")))
            if ROOT:
                shutil.chown(folder, "nobody")
            server = self._stack.enter_context(KINDS[kind](folder).started())
            self._started[variable, kind] = server
        return self._started[variable, kind]


@contextmanager
def created(url: str, database: str) -> Iterator[str]:
    """The URL of a new database on the server at `url`, dropped after the block."""
    execute(url, f"DROP DATABASE IF EXISTS {database}")
    execute(url, f"CREATE DATABASE {database}")
    yield sqlalchemy.make_url(url).set(database=database).render_as_string(hide_password=False)
    execute(url, f"DROP DATABASE {database}")


def execute(url: str, statement: str) -> None:
    """Run one SQL statement, in no transaction."""
    address = sqlalchemy.make_url(url)
    driver = {"mysql": "mysql+pymysql"}.get(address.get_backend_name(), "postgresql+psycopg")
    engine = sqlalchemy.create_engine(
        address.set(drivername=driver), poolclass=sqlalchemy.NullPool, isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(statement))


def executable(program: str) -> str:
    """Where an installed program is. Raises FileNotFoundError."""
    if found := shutil.which(program, path=PATH):
        return found
    raise FileNotFoundError(f"{program} is not installed: run scripts/bootstrap")

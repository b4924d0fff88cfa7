"""The service's own commands: `flask cache …`, `flask sessions …`."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from .caching import cache
from .metrics import metrics_port, read_cache_metrics

UNREACHABLE = "The cache cannot be reached: nothing was changed."


def init_cli(app: Flask) -> None:
    app.cli.add_command(cache_commands)
    app.cli.add_command(session_commands)


cache_commands = AppGroup("cache", help="Look into the cache, or empty it.")


@cache_commands.command("stats")
def cache_stats() -> None:
    """How well the cache serves, as the running service counts it, and what it holds."""
    _refuse_without_cache()
    port = metrics_port(current_app.extensions["settings"])
    try:
        counted = read_cache_metrics(port)
    except OSError:
        counted = Counter()
        click.echo(f"The service does not answer on port {port}: what it counted is unknown.")
    else:
        served = counted["hit"] + counted["stale"]
        asked = served + counted["miss"] + counted["error"]
        click.echo(f"     hits {counted['hit']}")
        click.echo(f"   misses {counted['miss']}")
        click.echo(f"    stale {counted['stale']}")
        click.echo(f"   errors {counted['error']}")
        click.echo(f"hit ratio {served / asked if asked else 0:.1%}")
    try:
        held = counted if _out_of_reach() else cache.stats()
    except Exception as error:  # each client library has errors of its own
        raise click.ClickException(UNREACHABLE) from error
    if held:
        click.echo(f"  entries {held['entries']}")
        click.echo(f"   memory {held['memory']:,} bytes")


@cache_commands.command("clear")
def cache_clear() -> None:
    """Make every entry of this service unreachable."""
    with _reaching_it("The cache is empty."):
        cache.clear()


@cache_commands.command("invalidate")
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
def cache_invalidate(tags: tuple[str, ...]) -> None:
    """Make what carries one of the tags unreachable."""
    with _reaching_it(f"Invalidated: {', '.join(tags)}."):
        cache.invalidate(*tags)


def _refuse_without_cache() -> None:
    if cache.off:
        raise click.ClickException("There is no cache: CACHE_URL is null://.")


def _out_of_reach() -> str:
    """Why this process has not the same cache as the service; empty where it has."""
    return str(getattr(cache.store.store, "out_of_reach", ""))


@contextmanager
def _reaching_it(done: str) -> Iterator[None]:
    _refuse_without_cache()
    if reason := _out_of_reach():
        raise click.ClickException(reason)
    yield
    if cache.store.open:
        raise click.ClickException(UNREACHABLE)
    click.echo(done)


session_commands = AppGroup("sessions", help="Look after the session store.")


@session_commands.command("prune")
def sessions_prune() -> None:
    """Remove the sessions that have expired."""
    store = getattr(current_app.session_interface, "store", None)
    prune = getattr(store, "prune", None)
    if store is None or prune is None:
        click.echo("Nothing to do: expired sessions are forgotten by themselves.")
        return
    try:
        click.echo(f"Removed {prune()} expired sessions.")
    except store.errors as error:
        raise click.ClickException("The session store is busy, or cannot be reached.") from error

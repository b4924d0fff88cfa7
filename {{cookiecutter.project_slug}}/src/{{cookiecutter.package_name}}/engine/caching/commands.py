"""`flask cache stats`, `clear` and `invalidate`."""

import click
from flask.cli import AppGroup

from .cache import Cache
from .figures import counted_by_the_service, find_cache, show, show_held

UNREACHABLE = "The cache cannot be reached: nothing was changed."

cache_commands = AppGroup("cache", help="Look into the cache, or empty it.")


@cache_commands.command("stats")
def stats() -> None:
    """Show the hits and misses of the running service, and the size of the cache."""
    cache = find_cache()
    show(counted_by_the_service())
    try:
        held = cache.stats()
    except Exception as error:  # each client library raises its own errors
        raise click.ClickException(UNREACHABLE) from error
    if held:
        show_held(held["entries"], held["memory"])


@cache_commands.command("clear")
def clear() -> None:
    """Make every entry of this service unreachable."""
    cache = find_cache()
    cache.clear()
    confirm(cache, "The cache is empty.")


@cache_commands.command("invalidate")
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
def invalidate(tags: tuple[str, ...]) -> None:
    """Make everything that has one of the tags unreachable."""
    cache = find_cache()
    cache.invalidate(*tags)
    confirm(cache, f"Invalidated: {', '.join(tags)}.")


def confirm(cache: Cache, done: str) -> None:
    if cache.backend.entries.breaker.open:
        raise click.ClickException(UNREACHABLE)
    click.echo(done)

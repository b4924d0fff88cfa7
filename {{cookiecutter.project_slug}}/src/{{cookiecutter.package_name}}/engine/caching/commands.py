"""`flask cache stats`, `clear` and `invalidate`."""

from __future__ import annotations  # some names are there for type checkers only

from typing import TYPE_CHECKING

import click
from flask import current_app
from flask.cli import AppGroup

from .figures import counted_by_the_service, show, show_held

if TYPE_CHECKING:
    from .cache import Cache

UNREACHABLE = "The cache cannot be reached: nothing was changed."
IN_PROCESS = "The cache is in the process of the service: restart the service to empty it."

cache_commands = AppGroup("cache", help="Look into the cache, or empty it.")


@cache_commands.command("stats")
def stats() -> None:
    """Show the hits and misses of the running service, and the size of the cache."""
    cache = find_cache()
    counted = counted_by_the_service()
    show(counted)
    try:
        held = counted if cache.in_process else cache.stats()
    except Exception as error:  # each client library raises its own errors
        raise click.ClickException(UNREACHABLE) from error
    if held:
        show_held(held["entries"], held["memory"])


@cache_commands.command("clear")
def clear() -> None:
    """Make every entry of this service unreachable."""
    cache = shared_cache()
    cache.clear()
    confirm(cache, "The cache is empty.")


@cache_commands.command("invalidate")
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
def invalidate(tags: tuple[str, ...]) -> None:
    """Make everything that has one of the tags unreachable."""
    cache = shared_cache()
    cache.invalidate(*tags)
    confirm(cache, f"Invalidated: {', '.join(tags)}.")


def find_cache() -> Cache:
    """The app's first cache with these commands. Raises ClickException if it is turned off."""
    caches = current_app.extensions["cache"]
    cache: Cache = next(found for found in caches if hasattr(found, "commands"))
    if cache.off:
        raise click.ClickException("There is no cache: CACHE_URL is null://.")
    return cache


def shared_cache() -> Cache:
    """The same. Raises ClickException if only the service's own process can change it."""
    cache = find_cache()
    if cache.in_process:
        raise click.ClickException(IN_PROCESS)
    return cache


def confirm(cache: Cache, done: str) -> None:
    if cache.backend.entries.breaker.open:
        raise click.ClickException(UNREACHABLE)
    click.echo(done)

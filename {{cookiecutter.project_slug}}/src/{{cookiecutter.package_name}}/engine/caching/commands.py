"""`flask cache stats`, `clear` and `invalidate`, and `flask bench`."""

from __future__ import annotations  # some names are there for type checkers only

import signal
import sys
from typing import TYPE_CHECKING

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

if TYPE_CHECKING:
    from .cache import Cache

UNREACHABLE = "The cache cannot be reached: nothing was changed."
IN_PROCESS = "The cache is in the process of the service: restart the service to empty it."

cache_commands = AppGroup("cache", help="Look into the cache, or empty it.")


@cache_commands.command("stats")
def stats() -> None:
    """Show what the cache did for the running service, by endpoint, and its size."""
    from . import figures  # importing rich takes a while, and services need not

    cache = find_cache()
    held: dict[str, int] = {}
    try:
        counted = figures.read(
            current_app.config["METRICS_PORT"], cache.backend.entries.breaker.prefix
        )
        figures.show(counted)
        held = counted.held
    except figures.UnknownError as sentence:
        click.echo(sentence)
    try:
        held = held if cache.in_process else cache.stats()
    except Exception as error:  # each client library raises its own errors
        raise click.ClickException(UNREACHABLE) from error
    if held:
        figures.show_held(held["entries"], held["memory"])


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


@click.command("bench")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@with_appcontext
def bench_command(paths: tuple[str, ...]) -> None:
    """Measure pages without the cache and with it, over HTTP: by default all without arguments."""
    from . import bench

    find_cache()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # which ends both services, too
    paths = paths or bench.cached_paths(current_app)
    try:
        found = [*bench.measure(current_app.import_name, paths)]
    except bench.BenchError as sentence:
        raise click.ClickException(str(sentence)) from None
    bench.show([page for page in found if isinstance(page, bench.Compared)])
    for rule in bench.rules_with_arguments(current_app):
        click.echo(f"Not measured, because the path has arguments: {rule}. Give one as PATH.")
    if failures := [str(page) for page in found if isinstance(page, bench.BenchError)]:
        raise click.ClickException("\n".join(failures))


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

"""For a cache in the service's process: metrics show its size, but commands cannot change it."""

from collections.abc import Callable

import click
from flask.cli import AppGroup
from prometheus_client import CollectorRegistry, Gauge

from .cache import Cache
from .figures import counted_by_the_service, find_cache, show, show_held

OUT_OF_REACH = "The cache is in the process of the service: restart the service to empty it."

cache_commands = AppGroup("cache", help="Look into the cache.")


@cache_commands.command("stats")
def stats() -> None:
    """Show the hits and misses of the running service, and the size of its cache."""
    find_cache()
    counted = counted_by_the_service()
    show(counted)
    show_held(counted["entries"], counted["memory"])


@cache_commands.command("clear")
def clear() -> None:
    """Not possible: restart the service instead."""
    find_cache()
    raise click.ClickException(OUT_OF_REACH)


@cache_commands.command("invalidate")
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
def invalidate(tags: tuple[str, ...]) -> None:
    """Not possible: restart the service instead."""
    find_cache()
    raise click.ClickException(OUT_OF_REACH)


def held_by(cache: Cache, registry: CollectorRegistry) -> Callable[[], None]:
    """Add `cache_held` to the metrics. Call the returned function before they are read."""
    held = Gauge(
        "cache_held",
        "Size of the cache: entries, and memory in bytes",
        ("what",),
        registry=registry,
        multiprocess_mode="mostrecent",
    )

    def update() -> None:
        for what, amount in cache.stats().items():
            held.labels(what).set(amount)

    return update

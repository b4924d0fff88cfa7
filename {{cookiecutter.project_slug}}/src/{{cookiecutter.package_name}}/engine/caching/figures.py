"""Reads the cache's figures from the running service, for `flask cache stats`."""

import http.client
import os
from collections import Counter
from collections.abc import Mapping

import click
from flask import current_app
from prometheus_client.parser import text_string_to_metric_families


def counted_by_the_service() -> Counter[str]:
    """The counts of the service on this machine. If it does not answer, says so: no counts."""
    port = current_app.config["METRICS_PORT"]
    try:
        return read_metrics(port)
    except OSError:
        click.echo(f"The service does not answer on port {port}: its counts are unknown.")
        return Counter()


def show(counted: Mapping[str, int]) -> None:
    """Print the look-ups by outcome."""
    if not counted:
        return
    served = counted["hit"] + counted["stale"]
    asked = served + counted["miss"] + counted["error"]
    click.echo(f"     hits {counted['hit']}")
    click.echo(f"   misses {counted['miss']}")
    click.echo(f"    stale {counted['stale']}")
    click.echo(f"   errors {counted['error']}")
    click.echo(f"hit ratio {served / asked if asked else 0:.1%}")


def show_held(entries: int, memory: int) -> None:
    click.echo(f"  entries {entries}")
    click.echo(f"   memory {memory:,} bytes")


def read_metrics(port: int) -> Counter[str]:
    """The look-ups by outcome, and the size of the cache. Raises OSError without an answer."""
    counts: Counter[str] = Counter(hit=0)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", os.environ.get("SCRIPT_NAME", "") + "/metrics")
        text = connection.getresponse().read().decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name in ("cache_outcomes_total", "cache_held"):
                    name = sample.labels.get("outcome") or sample.labels["what"]
                    counts[name] += int(sample.value)
    except (http.client.HTTPException, ValueError) as error:
        raise OSError("something else listens there") from error
    finally:
        connection.close()
    return counts

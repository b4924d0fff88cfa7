"""Finds the module for a URL: the one whose SCHEMES contain the scheme of the URL."""

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType

from . import urls


@cache
def speakers(package: str) -> dict[str, ModuleType]:
    """The modules of a package that have SCHEMES, by scheme, in alphabetical order of modules."""
    folder = import_module(package).__path__
    modules = [import_module(f"{package}.{found.name}") for found in pkgutil.iter_modules(folder)]
    return {scheme: module for module in modules for scheme in getattr(module, "SCHEMES", ())}


def check(package: str, url: str, *others: str) -> None:
    """Raise ValueError, with the end of a sentence, if no module of the package can use the URL.

    `others` are schemes that need no module.
    """
    known = speakers(package)
    urls.check(url, (*known, *others))
    module = known.get(url.partition(":")[0])
    if check_url := getattr(module, "check_url", None):
        check_url(url)


def speaker(package: str, url: str) -> ModuleType:
    """The module of a package for the URL. Raises ValueError, with a sentence, if there is none."""
    urls.check(url, tuple(speakers(package)))
    return speakers(package)[url.partition(":")[0]]

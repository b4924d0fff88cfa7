"""Turns values into the bytes that lie in the store, and back: pickled, signed, of this release."""

import functools
import hashlib
import pickle
import sys
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from itsdangerous import Serializer

LARGEST_SOURCE = 1024 * 1024  # bytes of a file that counts as code


class Sealer:
    """Seals values for one service.

    It unpickles only values with its own signature, so an attacker who can write to the store
    cannot run code. Values that were signed with a key in SECRET_KEY_FALLBACKS stay readable.
    A value belongs to its key and to its release: after a deploy, classes may have other fields,
    functions other results, and templates another form.
    """

    def __init__(self, config: Mapping[str, Any], release: bytes) -> None:
        self.release = release
        self._config = config  # SECRET_KEY and SECRET_KEY_FALLBACKS, looked up at each use

    def seal(self, name: str, value: Any) -> bytes:
        """Raises what pickling the value raises, or TypeError for a row that is not loaded."""
        return self.release + self._serializer(name).dumps(value)

    def open(self, name: str, data: bytes) -> Any:
        """The value, or None if it is of another release. Raises what unpickling it raises."""
        if not data.startswith(self.release):
            return None
        return self._serializer(name).loads(data.removeprefix(self.release))

    @property
    def keys(self) -> list[str]:
        """The keys of signatures, the newest one last."""
        return [*(self._config["SECRET_KEY_FALLBACKS"] or ()), self._config["SECRET_KEY"]]

    def _serializer(self, name: str) -> Serializer[bytes]:
        how = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        salt = name.encode() + self.release
        return Serializer(self.keys, salt=salt, serializer=Pickling, signer_kwargs=how)


class Pickling:
    """Pickle, for what can be used wherever it is read."""

    loads = staticmethod(pickle.loads)

    @staticmethod
    def dumps(value: Any) -> bytes:
        file = BytesIO()
        Pickler(file, pickle.HIGHEST_PROTOCOL).dump(value)
        return file.getvalue()


class Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """Refuse rows of a database that would ask their database later, when they have none."""
        if hasattr(type(value), "_sa_class_manager") and value._sa_instance_state.unloaded:
            raise TypeError(
                f"a row of {type(value).__qualname__} is not loaded, so a later request could not "
                "read it: cache a dict or a dataclass with its values"
            )
        return NotImplemented


@functools.cache
def release_of(import_name: str) -> bytes:
    """The fingerprint of a service's code: the files of its package, and what is installed.

    Two processes that run the same code have the same release, wherever it lies.
    """
    digest = hashlib.blake2b(repr(sys.version_info[:2]).encode(), digest_size=8)
    for part in (*_installed(), *_sources(import_name)):
        digest.update(hashlib.blake2b(part, digest_size=16).digest())
    return digest.digest()


def _installed() -> list[bytes]:
    """The names and versions of the installed distributions."""
    found = {info.name for place in sys.path for info in Path(place).glob("*.dist-info")}
    return [name.encode() for name in sorted(found)]


def _sources(import_name: str) -> Iterator[bytes]:
    module = sys.modules.get(import_name)
    file = getattr(module, "__file__", None)
    if not file:
        return
    folder = Path(file).parent
    files = folder.rglob("*") if hasattr(module, "__path__") else [Path(file)]
    for path in sorted(files):
        code = "__pycache__" not in path.parts and path.is_file()
        if code and path.stat().st_size <= LARGEST_SOURCE:
            yield str(path.relative_to(folder)).encode()
            yield path.read_bytes()

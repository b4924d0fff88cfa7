"""What tells a function and an argument from all others, as text for a key.

Names are not enough: the functions that one factory makes have the same name. Neither are `repr`,
which may hide a part of the value or show an address, and `==`, which may ignore one.
"""

import dataclasses
import enum
import hashlib
import pickle
import types
import uuid
import weakref
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

# Their repr shows the whole value, and nothing else.
PLAIN = {type(None), bool, int, float, complex, str, bytes, range, uuid.UUID}
PLAIN |= {date, datetime, time, timedelta, Decimal, Fraction}
NAMED = type | types.FunctionType | types.BuiltinFunctionType | types.ModuleType


class Known(NamedTuple):
    """What an object is known by. No other value has such a repr."""

    by: Any

    def __repr__(self) -> str:
        return f"<{self.by!r}>"


def argument(value: Any) -> Any:
    """An argument's form in a key: its repr is different for each value.

    An object is known by `__caching_id__()`, by its fields or by its pickled form; if it has no
    repr of its own, by its identity. Raises TypeError, with a sentence, if it has none of these.
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind in (list, tuple):
        return kind(map(argument, value))
    if kind is dict:
        return Known(["dict", *((argument(key), argument(value[key])) for key in value)])
    if kind in (set, frozenset):
        return Known([kind.__name__, *sorted(repr(argument(item)) for item in value)])
    if isinstance(value, NAMED):
        return Known(_named(value, set()))
    name = f"{kind.__module__}.{kind.__qualname__}"
    if hasattr(value, "__caching_id__"):
        return Known([name, str(value.__caching_id__())])
    if isinstance(value, enum.Enum):
        return Known(f"{name}.{value.name}")
    if dataclasses.is_dataclass(value) and "<locals>" not in name:
        fields = [argument(getattr(value, field.name)) for field in dataclasses.fields(value)]
        return Known([name, *fields])
    own_repr: Any = kind.__repr__
    if own_repr is object.__repr__ or _shows_address(value):
        return Known(identity(value))
    try:
        return Known([name, hashlib.blake2b(pickle.dumps(value), digest_size=16).hexdigest()])
    except Exception as error:  # pickling may raise any
        raise TypeError(
            f"A {name} cannot be part of a key: pass an id or its fields, or define "
            f"`__caching_id__`. {type(error).__name__}."
        ) from error


def function(called: Any) -> str:
    """The same for a function in every process that runs the same code; different for others.

    A function that closes over an object, such as a list or a client, is known in its process only.
    """
    return hashlib.blake2b(repr(_function(called, set())).encode(), digest_size=12).hexdigest()


def _function(called: Any, seen: set[int]) -> Any:
    if not isinstance(called, types.FunctionType) or id(called) in seen:
        return getattr(called, "__qualname__", type(called).__qualname__)
    seen.add(id(called))
    given = [*(called.__defaults__ or ()), *(called.__kwdefaults__ or {}).values()]
    for cell in called.__closure__ or ():
        try:
            given.append(cell.cell_contents)
        except ValueError:  # it gets its value later
            given.append("later")
    name = f"{called.__module__}.{called.__qualname__}"
    return name, _code(called.__code__), [_constant(value, seen) for value in given]


def _code(code: types.CodeType) -> Any:
    constants = [_code(c) if isinstance(c, types.CodeType) else argument(c) for c in code.co_consts]
    return code.co_code, code.co_names, code.co_freevars, constants


def _constant(value: Any, seen: set[int]) -> Any:
    if type(value) in PLAIN:
        return type(value).__name__, value
    if type(value) is tuple:
        return "tuple", [_constant(item, seen) for item in value]
    if type(value) is frozenset:
        return "frozenset", sorted(repr(_constant(item, seen)) for item in value)
    if isinstance(value, NAMED):
        return _named(value, seen)
    return _unique(value)


def _named(value: Any, seen: set[int]) -> Any:
    if isinstance(value, types.FunctionType):
        return _function(value, seen)
    if isinstance(value, types.ModuleType):
        return value.__name__
    local = "<locals>" in value.__qualname__
    return _unique(value) if local else f"{value.__module__}.{value.__qualname__}"


def _unique(value: Any) -> str:
    try:
        return identity(value)
    except TypeError:  # a list, for example
        return str(uuid.uuid4())


_names: dict[int, tuple[weakref.ref[Any], str]] = {}  # by address


def identity(value: Any) -> str:
    """A name for the object, and for no other, in this process. Raises TypeError if it has none."""
    known = _names.get(id(value))
    if known and known[0]() is value:
        return known[1]
    name, address = str(uuid.uuid4()), id(value)

    def forget(dead: weakref.ref[Any]) -> None:
        if (found := _names.get(address)) and found[0] is dead:
            del _names[address]

    _names[address] = weakref.ref(value, forget), name
    return name


def _shows_address(value: Any) -> bool:
    shown = repr(value).lower()
    return f"{id(value):x}" in shown or str(id(value)) in shown

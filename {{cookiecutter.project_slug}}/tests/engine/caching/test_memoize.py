"""`memoize` does what Flask-Caching documents, and never takes one call for another."""

import functools
import itertools
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from flask import Flask
from markupsafe import Markup

from .support import Count, cache, pass_time

pytestmark = pytest.mark.usefixtures("patient")

NUMBERS = itertools.count(1)  # each of them once


def test_methods_are_memoized_for_each_object_or_class(app: Flask) -> None:
    class Adder:
        @cache.memoize()
        def add(self, number: int) -> int:
            return number + next(NUMBERS)

        @classmethod
        @cache.memoize()
        def of_all(cls, number: int) -> int:
            return number + next(NUMBERS)

    with app.app_context():
        one, other = Adder(), Adder()
        first, second = one.add(3), other.add(3)
        assert first != second
        assert (one.add(number=3), other.add(3)) == (first, second)
        cache.delete_memoized(one.add)
        assert one.add(3) != first
        assert other.add(3) == second
        first = one.add(3)
        cache.delete_memoized(one.add, 3)
        assert one.add(3) != first
        first = one.add(3)
        cache.delete_memoized(Adder.add)
        assert one.add(3) != first
        assert other.add(3) != second
        all_adders: Any = Adder  # which types nobody can follow
        shared = all_adders.of_all(1)
        assert all_adders.of_all(1) == shared
        cache.delete_memoized(all_adders.of_all, Adder, 1)
        assert all_adders.of_all(1) != shared


def test_memoize_takes_the_options_that_flask_caching_documents(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Customer:
        def __init__(self, number: int) -> None:
            self.number = number

        def __caching_id__(self) -> str:
            return f"customer {self.number}"

        @cache.memoize(timeout=timedelta(minutes=1))
        def rating(self) -> int:
            return next(NUMBERS)

    @cache.memoize(args_to_ignore=["at"])
    def rate(currency: str, at: float) -> int:
        return next(NUMBERS)

    @cache.memoize(response_filter=lambda _: False)
    def filtered() -> int:
        return next(NUMBERS)

    with app.app_context():
        assert rate("EUR", 1.0) == rate("EUR", at=2.0) != rate("USD", 1.0)
        assert Customer(1).rating() == Customer(1).rating() != Customer(2).rating()
        assert filtered() != filtered()
        assert rate.uncached("EUR", 1.0) != rate("EUR", 1.0)
        rate.cache_timeout = 30
        rate.delete_memoized()
        euros = rate("EUR", 1.0)
        assert rate("EUR", 1.0) == euros
        pass_time(monkeypatch, 31)
        assert rate("EUR", 1.0) != euros


def test_memoize_forgets_one_call_or_all_even_during_one(app: Flask) -> None:
    count = Count(lambda: None)

    @cache.memoize(60)
    def double(number: int) -> int:
        count()
        if number == 3:
            cache.delete_memoized(double)
        return 2 * number

    with app.app_context():
        assert [double(1), double(1), double(2), count.calls] == [2, 2, 4, 2]
        cache.delete_memoized(double, 1)
        assert [double(1), double(2), count.calls] == [2, 4, 3]
        cache.delete_memoized(double)
        assert [double(2), count.calls] == [4, 4]
        assert [double(3), double(3), count.calls] == [6, 6, 6]


@pytest.mark.parametrize("option", ["forced_update", "is_stale"])
def test_a_value_that_was_updated_by_force_can_be_invalidated(app: Flask, option: str) -> None:
    count, forced = Count(lambda: count.calls), False

    options: dict[str, Any] = {option: lambda *_: forced}

    @cache.memoize(60, tags=("products",), **options)
    def function() -> Any:
        return count()

    with app.app_context():
        assert [function(), function()] == [1, 1]
        forced = True
        assert function() == 2
        forced = False
        assert function() == 2
        cache.invalidate("products")
        assert function() == 3
        cache.delete_memoized(function)
        assert function() == 4


def test_a_computation_from_before_a_forced_update_is_not_stored(app: Flask) -> None:
    count, forced = Count(lambda: count.calls), False

    @cache.memoize(60, forced_update=lambda: forced)
    def function() -> Any:
        nonlocal forced
        number = count()
        if number == 1:
            forced = True
            function()
            forced = False
        return number

    with app.app_context():
        assert [function(), function(), function()] == [1, 3, 3]


def test_none_is_a_value_with_cache_none(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    count = Count(lambda: None)
    function = cache.memoize(60, cache_none=True, stale=300)(lambda: count())
    with app.app_context():
        function()
        function()
        assert count.calls == 1
        pass_time(monkeypatch, 61)
        function()
        function()
        assert count.calls == 2


def test_none_is_computed_again_until_there_is_a_value(app: Flask) -> None:
    count = Count(lambda: count.calls if count.calls > 2 else None)
    function = cache.memoize(60)(lambda: count())
    with app.app_context():
        assert [function() for _ in range(4)] == [None, None, 3, 3]


def test_a_name_may_be_made_of_a_cached_value(app: Flask) -> None:
    count = Count(lambda: count.calls)

    @cache.memoize(60, make_name=lambda name: f"{name} {cache.get('edition')}", tags=("books",))
    def book(_: int) -> Any:
        return count()

    with app.app_context():
        cache.set("edition", 1)
        assert [book(1), book(1)] == [1, 1]
        cache.invalidate("books")
        assert [book(1), book(1)] == [2, 2]
        cache.delete_memoized(book)
        assert [book(1), book(1)] == [3, 3]
        assert cache.get("edition") == 1


def test_memoize_never_takes_one_object_for_another(app: Flask) -> None:
    class Customer:
        def __init__(self, name: str) -> None:
            self.name = name

        @cache.memoize(60)
        def greeting(self) -> str:
            return f"hello {self.name}"

    @cache.memoize(60)
    def name_of(customer: Customer) -> str:
        return customer.name

    with app.app_context():
        for number in range(10):  # each gets the address of one before it
            customer = Customer(str(number))
            assert name_of(customer) == str(number)
            assert customer.greeting() == f"hello {number}"


class Secret:
    """As pydantic's SecretStr: neither repr nor `==` shows what it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret)

    def __hash__(self) -> int:
        return 1


class Bare:
    """Known by its identity only, whatever `==` says."""

    def __init__(self, text: str) -> None:
        self.text = text

    __eq__, __hash__ = Secret.__eq__, Secret.__hash__


class Row(Bare):
    """As an unsaved row of a database: its repr has its address as a number."""

    def __repr__(self) -> str:
        return f"<Row (transient {id(self)})>"


@dataclass
class Login:
    user: str
    text: str = field(repr=False, compare=False)


class Level(Enum):
    LOW = 1
    HIGH = 2


@pytest.mark.parametrize(
    "make",
    [
        Secret,
        Bare,
        Row,
        Markup,
        lambda text: Login("alice", text),
        lambda text: [{"secret": (Secret(text),)}],
        lambda text: {Secret(text)},
        lambda text: {"key": Login("alice", text)},
    ],
)
def test_an_argument_is_never_taken_for_another(app: Flask, make: Callable[[str], Any]) -> None:
    def text_of(value: Any) -> str:
        return re.sub(r".*(number \d+).*", r"\1", str(pickle.dumps(value)))

    read = cache.memoize(60)(text_of)
    with app.app_context():
        for number in range(5):
            assert read(make(f"number {number}")) == f"number {number}"


def test_equal_arguments_are_one_call(app: Flask) -> None:
    count = Count(lambda: count.calls)
    read = cache.memoize(60)(lambda *_: count())
    with app.app_context():
        for make in (
            lambda: Secret("a"),
            lambda: Login("alice", "a"),
            lambda: {"a": [1, None, Decimal("1.0")], "b": {3, 1, 2}},
            lambda: (Level.LOW, date(2026, 1, 2), b"bytes", Count, str.upper),
        ):
            assert read(make()) == read(make())
        alike: list[tuple[Any, Any]] = [
            (Level.LOW, Level.HIGH),
            (Level.LOW, f"{Level.__module__}.Level.LOW"),
            ({"a": 1}, ["dict", ("a", 1)]),
            (Count, f"{Count.__module__}.Count"),
            ((1, 2), [1, 2]),
            (1, True),
        ]
        for one, other in alike:
            assert read(one) != read(other)


def twice(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda number: 2 * function(number)


def test_functions_of_one_name_are_different_functions(app: Flask) -> None:
    def times(factor: int) -> Any:
        return cache.memoize(60)(lambda number: factor * number)

    def scaled(factors: list[int]) -> Any:
        def scale(number: int) -> int:
            return factors[0] * number

        return cache.memoize(60)(scale)

    def between(limits: tuple[int, int]) -> Any:
        return cache.memoize(60)(lambda number: limits[0])

    def plus(given: int) -> Any:
        def add(number: int, *, more: int = given) -> int:
            return number + more

        return cache.memoize(60)(add)

    decorated = [cache.memoize(60)(twice(f)) for f in (lambda n: n + 1, lambda n: n + 2)]
    named = [cache.memoize(60, make_name=lambda _: "same")(f) for f in (abs_of, negative_of)]
    with app.app_context():
        assert [times(2)(10), times(3)(10), times(2)(10)] == [20, 30, 20]
        assert [scaled([2])(10), scaled([3])(10)] == [20, 30]
        assert [plus(2)(10), plus(3)(10)] == [12, 13]
        assert [function(10) for function in decorated] == [22, 24]
        assert [between((1, 9))(10), between((9, 1))(10)] == [1, 9]
        assert [function(10) for function in named] == [10, -10]


def abs_of(number: int) -> int:
    return abs(number)


def negative_of(number: int) -> int:
    return -number


def test_workers_share_the_values_of_a_function(app: Flask) -> None:
    def make(factor: int) -> Any:
        def scale(number: int) -> int:
            return factor * abs_of(number)

        return cache.memoize(60)(scale)

    one, other = make(2), make(2)  # as two workers make them
    assert one.make_cache_key(one.uncached, 1) == other.make_cache_key(other.uncached, 1)


@pytest.mark.parametrize(
    "function", [functools.partial(negative_of), Count(lambda: -10)], ids=["partial", "object"]
)
def test_what_has_no_name_is_computed_each_time(
    app: Flask, function: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context():
        assert cache.memoize(60)(function)(10) == -10
    assert "is not cached: it has no key" in caplog.text


def test_a_method_of_an_object_that_cannot_be_shown_is_computed_each_time(app: Flask) -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ZeroDivisionError

        @cache.memoize(60)
        def number(self) -> int:
            return 10

    with app.app_context():
        assert Broken().number() == 10


def test_a_value_that_the_service_stores_for_a_call_goes_with_the_others(app: Flask) -> None:
    count = Count(lambda: count.calls)
    function = cache.memoize(60)(lambda number: count())
    with app.app_context():
        cache.set(function.make_cache_key(function.uncached, 1), "stored")
        assert function(1) == "stored"
        cache.delete_memoized(function)
        assert function(1) == 1


def test_any_true_answer_of_unless_bypasses_the_cache(app: Flask) -> None:
    count = Count(lambda: "value")
    function = cache.memoize(60, unless=lambda: "true")(lambda: count())

    with app.app_context():
        function()
        function()
    assert count.calls == 2


def test_text_that_looks_like_an_address_is_text(app: Flask) -> None:
    count = Count(lambda: count.calls)
    function = cache.memoize(60)(lambda text: count())
    with app.app_context():
        assert [function("<x at 0x1>"), function("<x at 0x1>"), function("other")] == [1, 1, 2]


@pytest.mark.parametrize("option", ["forced_update", "is_stale"])
def test_a_refused_value_does_not_take_the_place_of_an_error(app: Flask, option: str) -> None:
    count, refused = Count(lambda: "old"), False
    options: dict[str, Any] = {option: lambda *_: refused}
    function = cache.memoize(60, **options)(lambda: count())
    with app.app_context():
        function()
        refused = True
        count.answer = lambda: 1 // 0
        with pytest.raises(ZeroDivisionError):
            function()

"""`memoize` does what Flask-Caching documents, and never takes one call for another."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

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
        for number in range(50):  # each gets the address of one before it
            customer = Customer(str(number))
            assert name_of(customer) == str(number)
            assert customer.greeting() == f"hello {number}"


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

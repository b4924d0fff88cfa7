"""`{% cache %}`: parts of templates."""

import pytest
from flask import Flask
from flask_caching import make_template_fragment_key

from .support import Count, cache

pytestmark = pytest.mark.usefixtures("patient")


def test_fragments_with_similar_names_stay_apart(app: Flask) -> None:
    template = app.jinja_env.from_string(
        "{% cache 60, 'part', a, b %}{% print a ~ '-' ~ b %}{% endcache %}"
    )
    with app.app_context():
        pairs = [("a_b", "c"), ("a", "b_c"), (1, 2)]
        assert [template.render(a=a, b=b) for a, b in pairs * 2] == ["a_b-c", "a-b_c", "1-2"] * 2


def test_a_fragment_is_deleted_by_its_key_or_its_block(app: Flask) -> None:
    render = app.jinja_env.from_string(
        "{% cache 60, 'part', user %}{% print count() %}{% endcache %}"
    ).render
    delete = app.jinja_env.from_string("{% cache 'del', 'part', user %}gone{% endcache %}").render
    count = Count(lambda: count.calls)
    with app.app_context():
        assert [render(user=7, count=count) for _ in range(2)] == ["1", "1"]
        cache.delete(make_template_fragment_key("part", vary_on=["7"]))
        assert [render(user=7, count=count) for _ in range(2)] == ["2", "2"]
        assert delete(user=7) == "gone"
        assert render(user=7, count=count) == "3"


def test_a_fragment_may_be_stored_by_its_key(app: Flask) -> None:
    render = app.jinja_env.from_string("{% cache 60, 'part', 7 %}computed{% endcache %}").render
    with app.app_context():
        cache.set(make_template_fragment_key("part", vary_on=["7"]), "stored by hand")
        assert render() == "stored by hand"


def test_a_fragment_never_takes_one_object_for_another(app: Flask) -> None:
    class Customer:
        def __init__(self, name: int) -> None:
            self.name = name

    template = "{% cache 60, 'greeting', customer %}{% print customer.name %}{% endcache %}"
    render = app.jinja_env.from_string(template).render
    with app.app_context():
        for number in range(20):  # each gets the address of one before it
            assert render(customer=Customer(number)) == str(number)

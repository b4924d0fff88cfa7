"""Reading the catalogue: its pages, which everybody shares, and its JSON."""

import re

from flask.testing import FlaskClient

from . import found, refusal


def names(page: str) -> list[str]:
    return re.findall(r'<h2><a href="/products/\d+" dir="auto">([^<]+)</a>', page)


def test_the_front_page_shows_twelve_products_and_links_to_the_others(client: FlaskClient) -> None:
    page = client.get("/").text

    assert len(names(page)) == 12
    assert names(page)[0] == "Enamel Mug"
    assert "€\N{NO-BREAK SPACE}12.90" in page
    assert 'href="/?page=4"' in page
    assert 'href="/?page=5"' not in page


def test_the_pages_together_show_every_product_once(client: FlaskClient) -> None:
    shown = [name for page in range(1, 5) for name in names(client.get(f"/?page={page}").text)]

    assert len(shown) == len(set(shown)) == 42


def test_a_search_finds_the_products_that_have_all_its_words(client: FlaskClient) -> None:
    assert names(client.get("/?q=STEEL+walnut").text) == ["Pepper Mill"]


def test_a_search_that_finds_nothing_says_so(client: FlaskClient) -> None:
    for q in ("%", "_", "\\", "'", "\0zebra", "zebra"):
        answer = client.get("/", query_string={"q": q})

        assert (answer.status_code, names(answer.text)) == (200, [])
        assert "No products found" in answer.text


def test_the_other_pages_of_a_search_keep_its_words(client: FlaskClient) -> None:
    assert 'href="/?q=the&amp;page=2"' in client.get("/?q=the").text


def test_a_search_is_cut_to_a_hundred_characters(client: FlaskClient) -> None:
    q = "mug" + " " * 120 + "zebra"

    assert names(client.get("/", query_string={"q": q}).text) == ["Enamel Mug"]


def test_a_search_is_shown_as_text_and_never_run(client: FlaskClient) -> None:
    page = client.get("/", query_string={"q": '"><script>alert(1)</script>'}).text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_page_that_does_not_exist_is_not_found(client: FlaskClient) -> None:
    for page in ("", "0", "-1", "1.5", "two", "5", "٣", "1_0", "9" * 30):
        assert client.get("/", query_string={"page": page}).status_code == 404


def test_a_product_has_a_page(client: FlaskClient) -> None:
    page = client.get(f"/products/{found(client, 'salt pig')['id']}").text

    for shown in (">Salt Pig</h1>", "Only 3 left", 'action="/cart/add"'):
        assert shown in page
    assert len({*names(page)} - {"Salt Pig"}) == 4  # similar ones


def test_a_sold_out_product_cannot_be_bought(client: FlaskClient) -> None:
    page = client.get(f"/products/{found(client, 'bread knife')['id']}").text

    assert "Sold out" in page
    assert 'action="/cart/add"' not in page


def test_a_product_that_does_not_exist_is_not_found(client: FlaskClient) -> None:
    for product_id in (0, 999_999, 2**31, 10**30):
        answer = client.get(f"/products/{product_id}")

        assert answer.status_code == 404
        assert f"There is no product {product_id}." in answer.text


def test_a_page_is_the_same_for_a_visitor_with_a_cart(client: FlaskClient) -> None:
    mug = found(client, "enamel mug")["id"]
    paths = ("/", f"/products/{mug}")
    before = [client.get(path) for path in paths]
    client.post("/cart/add", data={"product_id": mug})
    after = [client.get(path) for path in paths]

    assert [answer.data for answer in before] == [answer.data for answer in after]
    for answer in (*before, *after):
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.vary
        assert not answer.cache_control.private


def test_the_pages_need_nothing_from_elsewhere_and_nothing_inline(client: FlaskClient) -> None:
    for path in ("/", f"/products/{found(client, 'mug')['id']}", "/cart", "/nowhere"):
        page = client.get(path).text

        assert not re.search(r'(src|href|action)="(https?:)?//', page)
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script>|javascript:", page)
        links = re.findall(r'(?:src|href)="(/[^"]*\.(?:css|js|svg)[^"]*)"', page)
        files = [client.get(link, buffered=True) for link in links]
        assert {(file.status_code, file.cache_control.immutable) for file in files} == {(200, True)}


def test_the_catalogue_comes_in_pages_of_twelve(client: FlaskClient) -> None:
    first, last = (client.get(f"/api/products?page={page}").get_json() for page in (1, 4))

    assert (first["page"], first["pages"], first["total"]) == (1, 4, 42)
    assert (len(first["items"]), len(last["items"])) == (12, 6)


def test_a_product_has_its_price_as_a_decimal_string(client: FlaskClient) -> None:
    product = found(client, "salt pig")

    assert product.keys() == {"id", "name", "description", "price", "stock"}
    assert (product["name"], product["price"], product["stock"]) == ("Salt Pig", "24.00", 3)
    assert client.get(f"/api/products/{product['id']}").get_json() == product


def test_a_search_without_a_match_is_one_empty_page(client: FlaskClient) -> None:
    empty = {"items": [], "page": 1, "pages": 1, "total": 0}
    assert client.get("/api/products?q=zebra").get_json() == empty


def test_a_missing_page_or_product_is_a_problem_detail(client: FlaskClient) -> None:
    for path in ("products/999999", "products?page=5", "products?page=x", "nothing"):
        problem = refusal(client.get(f"/api/{path}"), 404)
        del problem["detail"]
        assert problem == {"type": "about:blank", "title": "Not Found", "status": 404}


def test_the_description_has_every_route_of_the_api_and_no_other(client: FlaskClient) -> None:
    paths = client.get("/api/openapi.json").get_json()["paths"]
    routes = {
        (re.sub(r"<int:(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == {(path, method) for path in paths for method in paths[path]}

"""The cache's stores. Each module has SCHEMES, its URL schemes, and a class `Store` for bytes;
if it has `check_url`, that raises ValueError for a URL that cannot be used.

A `Store` is a Flask-Caching backend with `get_many`, `set`, `add` (only one of many callers
succeeds), `delete_many` and `stats`. It connects on first use. An operation that takes half a
second or fails raises an error of the store's client.
"""

"""The engine: machinery that `cruft update` updates and nobody edits. Its tests: `tests/engine/`.

The service's own code is one folder up and calls the modules below; the engine imports nothing
from there. A module is only here if the service needs it. Its docstring says what it offers.

    caching     caches pages, values and functions, and invalidates them by tags; its commands
    nocache     the same API for a service without a cache
    server      serves the app: workers, metrics, a stop that cuts nobody off; `proxies` in front
    middleware  what every request gets around Flask; `log` writes its line
    page        HTTP's rules for pages: which answers may be cached, and by whom
    sessions    Flask's `session` in a store or in the cookie; its commands
    databases   connections with time limits; models that invalidate tags
    clients     connections to servers, by URL
    probes      asks backends whether they answer
    files       folders that are closed to other users; `locks` for their locks
    metrics     durations and errors of the backends' operations
    urls        checks the URL of a setting; `speakers` finds the module for it
"""

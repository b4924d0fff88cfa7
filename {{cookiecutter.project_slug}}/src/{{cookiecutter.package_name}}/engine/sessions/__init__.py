"""Flask's `session`, in a store or in the cookie.

    interface   StoredSessions               Flask's SessionInterface with a store; its promises
    stores      open_store(url, lifetime)    the store that SESSION_URL names
    commands    session_commands             `flask sessions prune`, where a store needs it
    cookie      CookieSessions               Flask's own interface, without a store

Only the modules that the service needs are here. Those without a line above are their parts.
"""

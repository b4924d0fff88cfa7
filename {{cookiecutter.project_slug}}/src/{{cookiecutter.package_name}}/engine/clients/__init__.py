"""Clients of the servers that caches and sessions share: `connect(url)`, and its time limits."""

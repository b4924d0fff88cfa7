"""Sessions in Redis or Valkey. Give them a server that never evicts."""

from redis.exceptions import RedisClusterException, RedisError, ResponseError

from ...clients import redis as client
from .. import stores

SCHEMES = client.SCHEMES
check_url = client.connect  # which does not connect yet
COMPARE_AND_SET = """
return redis.call("GET", KEYS[1]) == ARGV[1]
    and redis.call("SET", KEYS[1], ARGV[2], "EX", ARGV[3])
"""


class Store(stores.Store):
    """One command for each operation, to the server that is the key's master."""

    errors = (RedisError, RedisClusterException)

    def __init__(self, url: str, lifetime: int) -> None:
        self._client = client.connect(url)
        self.spread = "cluster:" in url
        self._lifetime = lifetime  # seconds

    def load(self, key: str) -> bytes | None:
        data: bytes | None = client.ask(self._client, "GETEX", key, "EX", f"{self._lifetime}")
        return data

    def create(self, key: str, data: bytes) -> None:
        self._client.set(key, data, ex=self._lifetime)

    def replace(self, key: str, old: bytes, new: bytes) -> bool:
        return bool(self._client.eval(COMPARE_AND_SET, 1, key, old, new, self._lifetime))

    def delete(self, key: str) -> None:
        self._client.delete(key)

    def used(self) -> float:
        if self.spread:
            return 0.0
        try:
            memory = self._client.info("memory")
        except ResponseError:  # the user may not ask that
            return 0.0
        limit = memory["maxmemory"] if memory["maxmemory_policy"] == "noeviction" else 0
        return float(memory["used_memory"] / limit) if limit else 0.0

"""Sessions in Redis or Valkey, by SESSION_URL. Give them a server that never evicts."""

from redis.exceptions import RedisClusterException, RedisError

from ..redis_client import connect
from .interface import Store

SWAP = """
return redis.call("GET", KEYS[1]) == ARGV[1]
    and redis.call("SET", KEYS[1], ARGV[2], "EX", ARGV[3])
"""


class RedisStore(Store):
    """One command for each operation, on the master of the key."""

    errors = (RedisError, RedisClusterException)

    def __init__(self, url: str, lifetime: int) -> None:
        self._client = connect(url)
        self._lifetime = lifetime  # seconds

    def load(self, key: str) -> bytes | None:
        data: bytes | None = self._client.getex(key, ex=self._lifetime)
        return data

    def create(self, key: str, data: bytes) -> None:
        self._client.set(key, data, ex=self._lifetime)

    def replace(self, key: str, old: bytes, new: bytes) -> bool:
        return bool(self._client.eval(SWAP, 1, key, old, new, self._lifetime))

    def delete(self, key: str) -> None:
        self._client.delete(key)

    def ping(self) -> None:
        self._client.ping()

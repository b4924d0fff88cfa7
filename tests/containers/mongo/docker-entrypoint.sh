#!/bin/sh
# As MongoDB's image does: the first start makes the user on a server that only this container reaches.
set -eu
[ "$1" = mongod ] || exec "$@"
server='secantusd-py --standalone --sync-on-commit --cache-size 256M --storage-path /data/db/files'
if [ ! -e /data/db/user ]; then
  $server --host 127.0.0.1 &
  python3 - <<'P'
import os
import pymongo

user, password = (os.environ[f"MONGO_INITDB_ROOT_{name}"] for name in ("USERNAME", "PASSWORD"))
with pymongo.MongoClient("mongodb://127.0.0.1", serverSelectionTimeoutMS=60_000) as client:
    client.admin.command("createUser", user, pwd=password, roles=["root"])
P
  kill $!
  wait $! || true
  touch /data/db/user
fi
exec $server --host 0.0.0.0 --auth

"""A PostgreSQL server of a test's own (tests/servers/postgres.sh)."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "servers" / "postgres.sh"


class Postgres:
    def __init__(self, folder: pathlib.Path, tls: pathlib.Path | None = None, port: int = 5432) -> None:
        """`tls`: where server.pem, server.key and ca.pem are, with which it takes TLS on that port of 127.0.0.1."""
        self.folder = folder
        self.port = port
        self._settings = {"PG_DIR": str(folder), "PG_PORT": str(port)} | ({"PG_TLS": str(tls)} if tls else {})
        self("start")

    def __call__(self, verb: str, *arguments: str) -> str:
        done = subprocess.run([SCRIPT, verb, *arguments], env=os.environ | self._settings, check=True,
                              stdout=subprocess.PIPE, text=True, timeout=90)
        return done.stdout.strip()

    def ask(self, sql: str) -> str:
        return self("psql", "-At", "-c", sql)

    def environment(self, user: str = "test") -> dict[str, str]:
        return {"ROLLCALL_STORE": f"host={self.folder} port={self.port} user={user} dbname=postgres"}


@contextlib.contextmanager
def running_postgres(**more):
    if not list(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        pytest.skip("PostgreSQL isn't installed")
    # A socket's path is short, and pytest's folders aren't.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rollcall-pg-", dir="/tmp"))
    running = Postgres(folder, **more)
    try:
        yield running
    finally:
        running("stop")
        shutil.rmtree(folder, ignore_errors=True)

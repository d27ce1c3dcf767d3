"""A PostgreSQL server of a test's own (tests/servers/postgres.sh)."""
import os
import pathlib
import subprocess

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "servers" / "postgres.sh"


class Postgres:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self("start")

    def __call__(self, verb: str, *arguments: str) -> str:
        done = subprocess.run([SCRIPT, verb, *arguments], env=os.environ | {"PG_DIR": str(self.folder)}, check=True,
                              stdout=subprocess.PIPE, text=True, timeout=90)
        return done.stdout.strip()

    def ask(self, sql: str) -> str:
        return self("psql", "-At", "-c", sql)

    def environment(self, user: str = "test") -> dict[str, str]:
        return {"ROLLCALL_STORE": f"host={self.folder} user={user} dbname=postgres"}

"""PostgreSQL over TCP: a primary, and a standby that has each commit before it is acknowledged."""
import asyncio
import os
import pathlib
import shutil
import signal

from world import SUBNET, World, call, until

START_S = 30
PROGRAMS = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
SETTINGS = {
    "unix_socket_directories": "", "fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB",
    "max_connections": "100", "wal_receiver_timeout": "2s", "wal_sender_timeout": "2s", "wal_keep_size": "256MB",
    "wal_retrieve_retry_interval": "100ms", "tcp_keepalives_idle": "2", "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3", "hot_standby_feedback": "off", "autovacuum": "off",
}
ALL_WAIT_FOR_STANDBY = "ALTER SYSTEM SET synchronous_standby_names = '*'"


def processes_of(main: int) -> list[int]:
    """A process and its children."""
    found = [main]
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == main:
            found.append(int(status.parent.name))
    return found


class Server:
    def __init__(self, world: World, place: str, folder: pathlib.Path) -> None:
        self.world, self.place, self.folder = world, place, folder / place
        self.address = world.addresses[place]
        self.data = self.folder / "data"
        self._process: asyncio.subprocess.Process | None = None

    def _inside(self, program: str) -> list[str]:
        # PostgreSQL refuses to run as root, which we are in our user namespace: one more, with another number.
        return [*self.world.inside(self.place), "unshare", "--user", "--map-user=1000", "--map-group=1000",
                str(PROGRAMS[-1].parent / program)]

    async def create(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        await call(*self._inside("initdb"), "-D", self.data, "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C",
                   "--no-sync")
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.writelines(f"{name} = '{value}'\n" for name, value in SETTINGS.items())
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {SUBNET} trust\nhost replication all {SUBNET} trust\n")

    async def copy_from(self, primary: "Server") -> None:
        """Wipes what is there, and becomes a standby, which once promoted waits for nobody."""
        await asyncio.to_thread(shutil.rmtree, self.data, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        await call(*self._inside("pg_basebackup"), "-d", f"host={primary.address} user=test application_name={self.place}",
                   "-D", self.data, "--write-recovery-conf", "--checkpoint=fast", "--no-sync", timeout_s=START_S)
        with (self.data / "postgresql.auto.conf").open("a") as settings:
            settings.write("synchronous_standby_names = ''\n")

    async def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._inside("postgres"), "-D", str(self.data), "-c", f"listen_addresses={self.address}",
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log)
        if not await until(lambda: self.ask("SELECT 1", check=False), START_S):
            raise RuntimeError(f"PostgreSQL didn't start: {(self.folder / 'log').read_text()[-1000:]}")

    async def ask(self, sql: str, *, check: bool = True, timeout_s: float = 10) -> str:
        try:
            answer = await call("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql,
                                f"host={self.address} user=test dbname=postgres connect_timeout=3",
                                check=check, timeout_s=timeout_s)
        except TimeoutError:
            if check:
                raise
            return ""
        return answer.strip()

    def send(self, number: signal.Signals) -> None:
        for process in processes_of(self._process.pid):
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass

    async def kill(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self.send(signal.SIGSTOP)  # so that none is born meanwhile
        self.send(signal.SIGKILL)
        await self._process.wait()


class Pair:
    """Which of the two is the primary changes with each failover."""

    def __init__(self, world: World, folder: pathlib.Path, synchronous: bool) -> None:
        self.synchronous = synchronous
        self.primary, self.standby = (Server(world, place, folder) for place in ("db0", "db1"))
        self._all = sorted((server.address for server in (self.primary, self.standby)))

    def url(self) -> str:
        return f"postgres://test@{','.join(self._all)}/postgres?target_session_attrs=read-write"

    async def make(self) -> None:
        await self.primary.create()
        await self.primary.start()
        await self.add_standby()

    async def add_standby(self) -> None:
        await self.standby.copy_from(self.primary)
        await self.standby.start()
        if self.synchronous:
            await self.primary.ask(ALL_WAIT_FOR_STANDBY)
            await self.primary.ask("SELECT pg_reload_conf()")
        if not await self.is_in_step(START_S):
            raise RuntimeError("the standby doesn't follow")

    async def is_in_step(self, within_s: float) -> bool:
        """From here on, what is acknowledged is on both."""
        state = "sync" if self.synchronous else "async"

        async def looks() -> bool:
            return await self.primary.ask(f"SELECT count(*) FROM pg_stat_replication WHERE sync_state = '{state}'"
                                          " AND state = 'streaming' AND flush_lsn >= pg_current_wal_lsn()",
                                          check=False) == "1"
        return bool(await until(looks, within_s))

    async def promote(self) -> None:
        """The primary is gone: its standby takes over, and waits for nobody."""
        self.primary, self.standby = self.standby, self.primary
        await self.primary.ask("SELECT pg_promote(true, 20)", timeout_s=25)

    async def stop(self) -> None:
        await self.standby.kill()
        await self.primary.kill()

#!/usr/bin/env python3
"""What the heartbeats of many instances cost three nodes and their database.

    bench/cluster_heartbeats.py [INSTANCES [PERIOD_S [SECONDS]]]

Three daemons on one PostgreSQL (tests/servers/postgres.sh, fsync on). Each instance beats once in PERIOD_S, each time at the next
node, as a request of its own on one of 999 connections, one in flight on each. BIN: where the release build is. Prints the CPU time of the daemons and of PostgreSQL, what the
database wrote (transactions, rows with those of its TOAST tables, WAL), and how many instances were lost.
"""
import asyncio
import itertools
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parents[1]
BIN = pathlib.Path(os.environ.get("BIN", HERE / "build/release/bin"))
NODES = "abc"
SLICES_PER_S = 20
REGISTERING = 96  # connections
TTL_PERIODS = 3
CONNECTIONS_PER_NODE = 333
ROWS = ("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_all_tables t JOIN pg_class c ON c.oid = t.relid"
        " WHERE schemaname = 'rollcall' OR c.oid IN (SELECT reltoastrelid FROM pg_class"
        "   WHERE relnamespace = 'rollcall'::regnamespace)")


def postgres(verb, *arguments):
    return subprocess.run([HERE / "tests/servers/postgres.sh", verb, *arguments], check=True, capture_output=True,
                          text=True).stdout.strip()


def ask(sql):
    return postgres("psql", "-At", "-c", sql)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def postgres_cpu_seconds(folder):
    main = pathlib.Path(folder, "data/postmaster.pid").read_text().split()[0]
    children = subprocess.run(["pgrep", "-P", main], capture_output=True, text=True, check=True).stdout.split()
    return sum(cpu_seconds(pid) for pid in [main, *children])


class Node:
    def __init__(self, name, folder):
        self.process = subprocess.Popen(
            [BIN / "rollcall", "serve", "--node", name, "--store", f"host={os.environ['PG_DIR']} user=test dbname=postgres",
             "--http", "127.0.0.1:0", "--socket", "off", "--set", "probe.enabled=false"],
            stdout=subprocess.PIPE, stderr=(pathlib.Path(folder) / name).open("w"), text=True)
        self.port = int(re.search(r"127\.0\.0\.1:(\d+)", self.process.stdout.readline())[1])


class Connection(asyncio.Protocol):
    """Each answer, which comes whole, is counted by its status."""
    def __init__(self, answers):
        self.answers = answers

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        status = data[9:12].decode()
        self.answers[status] = self.answers.get(status, 0) + data.count(b"HTTP/1.1 ")


def instance_id(number):
    return f"benchmark-instance-{number:012d}"


async def register(nodes, instances, ttl):
    body = f'{{"address":"10.1.2.3","port":8080,"tags":["blue"],"ttl":{ttl}}}'

    async def work(worker):
        reader, writer = await asyncio.open_connection("127.0.0.1", nodes[worker % len(nodes)].port)
        for number in range(worker, instances, REGISTERING):
            writer.write(f"PUT /services/service-{number % 1000}/instances/{instance_id(number)} HTTP/1.1\r\nHost: localhost\r\n"
                         f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 201"), head
            await reader.readexactly(int(re.search(rb"Content-Length: (\d+)", head)[1]))
        writer.close()

    await asyncio.gather(*(work(worker) for worker in range(REGISTERING)))


async def beat(nodes, instances, period, seconds):
    answers = {}
    loop = asyncio.get_running_loop()
    pools = []
    for node in nodes:
        opened = [await loop.create_connection(lambda: Connection(answers), "127.0.0.1", node.port)
                  for _ in range(CONNECTIONS_PER_NODE)]
        pools.append(itertools.cycle([transport for transport, _ in opened]))
    slices = period * SLICES_PER_S
    requests = [f"PUT /instances/{instance_id(number)}/heartbeat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode()
                for number in range(instances)]
    begin = time.monotonic()
    sent = 0
    for turn in range(seconds * SLICES_PER_S):
        await asyncio.sleep(max(0.0, begin + turn / SLICES_PER_S - time.monotonic()))
        first = turn // slices  # the next node each time
        for index, pool in enumerate(pools):
            mine = range(turn % slices + ((index + first) % len(pools)) * slices, instances, slices * len(pools))
            for number in mine:
                next(pool).write(requests[number])
            sent += len(mine)
    late = time.monotonic() - begin - seconds
    await asyncio.sleep(1)
    return sent, answers, late


def main():
    instances, period, seconds = (int(value) for value in (sys.argv[1:] + ["100000", "10", "60"][len(sys.argv) - 1:])[:3])
    os.environ.setdefault("PG_FSYNC", "on")
    os.environ["PG_DIR"] = f"/tmp/rollcall-beats-{os.getpid()}"
    folder = tempfile.mkdtemp()
    postgres("start")
    nodes = []
    try:
        for name in NODES:
            nodes.append(Node(name, folder))
        begin = time.monotonic()
        asyncio.run(register(nodes, instances, period * TTL_PERIODS))
        print(f"registered {instances} in {time.monotonic() - begin:.0f} s", flush=True)
        asyncio.run(beat(nodes, instances, period, 2 * period))  # until the marks of a restart are all there

        def figures():
            ask("SELECT pg_stat_force_next_flush()")
            counted = ask("SELECT xact_commit, pg_current_wal_lsn() - '0/0'::pg_lsn FROM pg_stat_database"
                          " WHERE datname = 'postgres'").split("|")
            return [float(counted[0]), float(ask(ROWS)), float(counted[1]), postgres_cpu_seconds(os.environ["PG_DIR"]),
                    *(cpu_seconds(node.process.pid) for node in nodes)]

        before, begun = figures(), time.monotonic()
        sent, answers, late = asyncio.run(beat(nodes, instances, period, seconds))
        passed = time.monotonic() - begun
        transactions, rows, wal, database, *daemons = ((after - was) / passed for after, was in zip(figures(), before))
        alive = int(ask("SELECT count(*) FROM rollcall.instance_list WHERE id LIKE 'benchmark-%'"))
        print(f"heartbeats a second: {sent / seconds:.0f}, answers {answers}, the client was {late * 1e3:.0f} ms late")
        print(f"database a second: {transactions:.1f} transactions, {rows:.1f} rows written, {wal / 1024:.0f} KiB of WAL")
        print("cores: daemons", " + ".join(f"{core:.2f}" for core in daemons), f"= {sum(daemons):.2f}; PostgreSQL {database:.2f}")
        print(f"instances lost: {instances - alive}")
    finally:
        for node in nodes:
            node.process.terminate()
        for node in nodes:
            node.process.wait()
        postgres("stop")


if __name__ == "__main__":
    main()

"""A disk that is full stops writes alone, and room on it is enough to go on."""
import errno
import subprocess

import pytest
from client import eventually

MIB = 1 << 20


@pytest.fixture
def daemon(start):
    may_mount = subprocess.run(["unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                               capture_output=True, check=False)
    if may_mount.returncode != 0:
        pytest.skip("may not mount a file system: " + may_mount.stderr.decode())
    return start(disk_mib=4)


def fill(path) -> None:
    with path.open("wb", buffering=0) as ballast:
        for size in (MIB // 16, 4096):
            try:
                while ballast.write(b"x" * size) == size:
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC


def register_until_refused(client):
    for number in range(2_000):
        answer = client.put(f"/services/full/instances/full-{number}", {"address": "10.0.0.1", "ttl": 600})
        if answer.status != 201:
            return number, answer
    raise AssertionError("the disk never got full")


def test_writes_stop_and_go_on_by_themselves(daemon):
    ballast = daemon.data_as_seen_by_it / "ballast"
    with daemon.client() as client:
        client.register("before", "before-1", ttl=600)
        fill(ballast)
        stored, refusal = register_until_refused(client)
        assert refusal.status == 503
        assert refusal.json["type"].endswith("unavailable")
        assert refusal.headers["Retry-After"]
        assert "full" in refusal.json["detail"]

        assert client.get("/services/before").status == 200
        assert client.put("/instances/before-1/heartbeat").status == 204
        health = client.get("/health")
        assert (health.status, health.json["status"]) == (503, "unavailable")
        assert client.get(f"/instances/full-{stored}").status == 404

        ballast.unlink()
        eventually(lambda: client.put("/services/after/instances/after-1", {"ttl": 600}).status == 201, within_s=10)
        eventually(lambda: client.get("/health").status == 200, within_s=10)
        events = client.get("/history?limit=1000&order=asc").json["events"]
        stored_ids = [event["instance"]["id"] for event in events if event["instance"]["service"] == "full"]
        assert stored_ids == [f"full-{number}" for number in range(stored)]

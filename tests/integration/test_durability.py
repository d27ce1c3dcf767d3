"""What was acknowledged is there after kill -9; leases go on where they were."""
import os
import signal
import threading
import time

from client import eventually


def test_nothing_acknowledged_is_lost_by_a_kill(start):
    daemon = start()
    acknowledged: list[list[str]] = [[] for _ in range(8)]

    def write(lane: int) -> None:
        try:
            with daemon.client() as client:
                for number in range(10_000):
                    client.register(f"lane-{lane}", f"lane-{lane}-{number}", ttl=600)
                    acknowledged[lane].append(f"lane-{lane}-{number}")
        except (OSError, EOFError, IndexError):
            pass
        except Exception as error:  # a connection that breaks in the middle of an answer
            assert type(error).__module__ == "http.client", error

    writers = [threading.Thread(target=write, args=[lane]) for lane in range(len(acknowledged))]
    for writer in writers:
        writer.start()
    eventually(lambda: sum(map(len, acknowledged)) >= 200, within_s=20)
    daemon.kill()
    for writer in writers:
        writer.join()

    daemon.start()
    with daemon.client() as client:
        for lane, ids in enumerate(acknowledged):
            found = {instance["id"] for instance in client.get(f"/services/lane-{lane}").json["service"]["instances"]}
            assert found >= set(ids)
        revisions = [event["revision"] for event in client.get("/history?limit=1000&order=asc").json["events"]]
        assert revisions == sorted(set(revisions))


def test_removals_and_maintenance_survive_as_well(start):
    daemon = start()
    with daemon.client() as client:
        client.register("kept", "kept-1", ttl=600, session="mine", metadata={"zone": "größe"})
        client.register("kept", "gone-1", ttl=600)
        client.put("/instances/kept-1/maintenance", {"enabled": True, "reason": "new disk"})
        client.delete("/instances/gone-1")
        before = client.get("/services/kept")
        version = client.get("/version").json
    daemon.kill()
    daemon.start()
    with daemon.client() as client:
        after = client.get("/services/kept")
        assert after.json["service"] == before.json["service"]
        assert after.headers["ETag"] == before.headers["ETag"]
        assert client.get("/version").json == version
        assert client.get("/instances/gone-1").status == 404
        assert client.get("/instances/kept-1").json["last_heartbeat"]["unverified"] is True
        assert client.put("/instances/kept-1/heartbeat", {"session": "another"}).status == 409
        assert client.put("/instances/kept-1/heartbeat", {"session": "mine"}).status == 204
        assert client.get("/instances/kept-1").json["last_heartbeat"]["unverified"] is False


def test_a_lease_that_was_silent_before_goes_on_to_run_out(start):
    daemon = start()
    with daemon.client() as client:
        client.register("mortal", "mortal-1", ttl=2)
    daemon.kill()
    daemon.start()
    with daemon.client() as client:
        assert client.get("/services/mortal").status == 200, "downtime doesn't count against it"
        eventually(lambda: client.get("/services/mortal").status == 404, within_s=6)


def test_sigterm_ends_it_in_order(start):
    daemon = start()
    with daemon.client() as client:
        client.register("last", "last-1", ttl=600)
    code, seconds = daemon.stop()
    assert code == 0
    assert seconds < 5
    daemon.start()
    with daemon.client() as client:
        assert client.get("/instances/last-1").status == 200


def test_a_stopped_process_gives_the_blind_time_back(start):
    daemon = start()
    with daemon.client() as client:
        client.register("patient", "patient-1", ttl=2)
        os.kill(daemon.pid, signal.SIGSTOP)
        time.sleep(3)  # longer than the ttl: this is the event itself
        os.kill(daemon.pid, signal.SIGCONT)
        assert client.put("/instances/patient-1/heartbeat").status == 204

"""An instance's life: registered, alive by its heartbeats, silent, gone; and what remains of it."""
import time

from client import eventually


def test_a_registered_service_is_found_until_it_falls_silent(client):
    # Given a service that is registered with a ttl of one second
    answer = client.post("/services/billing/instances", {"address": "10.0.0.5", "port": 8080, "ttl": 1})
    assert answer.status == 201
    instance = answer.json
    assert answer.headers["Location"] == f"/instances/{instance['id']}"
    assert instance["status"] == "passing"

    # When heartbeats arrive for longer than that, it stays
    until = time.monotonic() + 1.6
    while time.monotonic() < until:
        assert client.put(f"/instances/{instance['id']}/heartbeat").status == 204
        assert client.get("/services/billing").status == 200
        time.sleep(0.1)  # a client's own rhythm

    # When they stop, it goes: not before its ttl, and soon after
    silent = time.monotonic()
    eventually(lambda: client.get("/services/billing").status == 404, within_s=3)
    assert time.monotonic() - silent > 0.8

    # Then its heartbeat is told to register anew
    refused = client.put(f"/instances/{instance['id']}/heartbeat")
    assert refused.status == 404
    assert "register anew" in refused.json["detail"]

    # And its history says why it went
    events = client.get(f"/instances/{instance['id']}/history").json["events"]
    assert [event["kind"] for event in events] == ["removed", "registered"]
    assert events[0]["cause"]["writer"] == "lease"
    assert events[0]["cause"]["evidence"].startswith("no heartbeat for 1.")
    assert events[0]["revision"] > events[1]["revision"]


def test_an_instance_may_stay_as_critical_for_a_while(client):
    client.register("patient", "patient-1", ttl=1, deregister_after=2)

    critical = eventually(lambda: next(iter(client.get("/services/patient/instances?status=critical").json["instances"]),
                                       None), within_s=3)
    assert critical["status_reason"].startswith("no heartbeat for 1.")

    # A heartbeat brings it back
    assert client.put("/instances/patient-1/heartbeat").status == 204
    assert client.get("/instances/patient-1").json["status"] == "passing"

    # Silence takes it away
    eventually(lambda: client.get("/instances/patient-1").status == 404, within_s=6)
    kinds = [event["kind"] for event in client.get("/instances/patient-1/history").json["events"]]
    assert kinds == ["removed", "status_changed", "status_changed", "status_changed", "registered"]


def test_an_instance_without_address_has_its_callers(client):
    instance = client.post("/services/near/instances", {"port": 9000}).json
    assert instance["address"] == "127.0.0.1"


def test_the_newest_heartbeat_shows(client):
    client.register("fresh", "fresh-1")
    client.put("/instances/fresh-1/heartbeat")
    heard = client.get("/instances/fresh-1").json["last_heartbeat"]
    assert heard["unverified"] is False
    assert heard["seconds_ago"] < 5


def test_many_heartbeats_in_one_call(client):
    client.register("many", "many-1")
    client.register("many", "many-2")
    answer = client.post("/heartbeats", {"ids": ["many-1", "nobody", "many-2"]}).json
    assert answer == {"ok": 2, "unknown": ["nobody"], "stale": []}


def test_an_instance_that_leaves_is_gone_at_once(client):
    client.register("leaver", "leaver-1")
    assert client.delete("/instances/leaver-1").status == 204
    assert client.get("/instances/leaver-1").status == 404
    assert client.delete("/instances/leaver-1").status == 404
    newest = client.get("/instances/leaver-1/history?limit=1").json["events"][0]
    assert newest["kind"] == "removed"
    assert newest["cause"] == {"writer": "api", "evidence": "removed by 127.0.0.1"}

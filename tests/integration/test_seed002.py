"""The story of the registry on PostgreSQL: a server enters, sees itself and others, leaves; the silent are removed."""
import time

import pytest

from client import eventually


def enter(client, name, id_, **more):
    answer = client.post("/register", {"name": name, "id": id_, "address": "10.0.0.5", "port": 8080, **more})
    assert answer.status in (200, 201), answer
    return answer


def discovered(client, name):
    answer = client.get(f"/discover/{name}")
    return [server["id"] for server in answer.json["instances"]] if answer.status == 200 else []


def test_a_server_enters_finds_others_and_leaves(client):
    # Given two servers, one of which names no id
    entered = client.post("/register", {"name": "orders", "address": "10.0.0.6", "port": 9000})
    assert entered.status == 201
    own = entered.json["id"]
    enter(client, "stock", "stock-1")

    # Then each fetches its own details, under the usual path as well
    details = client.get(f"/details/{own}").json
    assert (details["service"], details["address"], details["port"]) == ("orders", "10.0.0.6", 9000)
    assert details["last_heartbeat"]["seconds_ago"] < 5
    assert client.get(entered.headers["Location"]).json["id"] == own

    # And finds the other by its name
    found = client.get("/discover/stock")
    assert [(server["address"], server["port"]) for server in found.json["instances"]] == [("10.0.0.5", 8080)]
    assert client.get("/discover/stock", headers={"If-None-Match": found.headers["ETag"]}).status == 304

    # When it leaves, it is gone at once
    assert client.post("/deregister", {"id": own}).status == 204
    assert client.get("/discover/orders").status == 404
    assert client.get(f"/details/{own}").status == 404
    assert client.post("/deregister", {"id": own}).status == 404
    assert discovered(client, "stock") == ["stock-1"]


def test_who_falls_silent_is_removed_and_the_others_stay(client):
    enter(client, "shop", "loud", ttl=2)
    enter(client, "shop", "silent", ttl=2)
    silent = time.monotonic()

    def only_the_loud_one():
        assert client.post("/heartbeat", {"id": "loud"}).status == 204
        return discovered(client, "shop") == ["loud"]

    eventually(only_the_loud_one, within_s=8)
    assert time.monotonic() - silent > 1.6
    assert "register anew" in client.post("/heartbeat", {"id": "silent"}).json["detail"]
    removal = client.get("/instances/silent/history").json["events"][0]
    assert (removal["kind"], removal["cause"]["writer"]) == ("removed", "lease")

    # It enters again
    assert enter(client, "shop", "silent").status == 201
    assert sorted(discovered(client, "shop")) == ["loud", "silent"]


def test_entering_again_is_a_renewal(client):
    first = enter(client, "twice", "twice-1")
    again = enter(client, "twice", "twice-1")
    assert (first.status, again.status) == (201, 200)
    assert again.json == first.json
    assert len(client.get("/instances/twice-1/history").json["events"]) == 1


def test_an_id_of_another_service_or_life_is_a_conflict(client):
    enter(client, "owner", "owned", session="first")
    answer = client.post("/register", {"name": "thief", "id": "owned"})
    assert (answer.status, answer.json["field"]) == (409, "id")
    enter(client, "owner", "owned", session="second")
    for target in "/heartbeat", "/deregister":
        assert client.post(target, {"id": "owned", "session": "first"}).status == 409
    assert client.post("/heartbeat", {"id": "owned", "session": "second"}).status == 204


def test_who_isnt_well_isnt_discovered(client):
    enter(client, "care", "care-1", tags=["eu"])
    enter(client, "care", "care-2")
    assert client.get("/discover/care?tag=eu").json["count"] == 1
    client.put("/instances/care-1/maintenance", {"enabled": True})
    assert discovered(client, "care") == ["care-2"]
    client.put("/instances/care-2/maintenance", {"enabled": True})
    assert client.get("/discover/care").json["instances"] == []


WRONG = [
    ("/register", {"port": 80}, "name"),
    ("/register", {"name": ""}, "name"),
    ("/register", {"name": "x", "port": 66554}, "port"),
    ("/register", {"name": "x", "url": "http://10.0.0.5/"}, "url"),
    ("/heartbeat", {}, "id"),
    ("/heartbeat", {"id": "x", "sesion": "y"}, "sesion"),
    ("/deregister", {"id": 5}, "id"),
    ("/deregister?id=x", {"id": "x"}, "id"),
]


@pytest.mark.parametrize("target, body, field", WRONG)
def test_the_field_at_fault_is_named(client, target, body, field):
    answer = client.post(target, body)
    assert (answer.status, answer.json["field"]) == (400, field)


@pytest.mark.parametrize("target", ["/register", "/heartbeat", "/deregister"])
def test_bodies_are_json_and_bounded(client, target):
    assert client.post(target, raw=b"id=x", headers={"Content-Type": "text/plain"}).status == 415
    assert client.post(target, raw=b'{"id":"' + b"x" * (1 << 20) + b'"}').status == 413
    assert client.get("/version").status == 200

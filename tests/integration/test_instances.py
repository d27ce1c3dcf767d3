"""Idempotence, incarnations, filters, maintenance, checks."""
from urllib.parse import quote

import pytest

from client import eventually

SPEC = {"address": "10.0.0.5", "port": 8080}


def test_put_creates_once_and_then_renews(client):
    first = client.put("/services/db/instances/db-1", SPEC)
    assert first.status == 201
    assert first.headers["Location"] == "/instances/db-1"

    again = client.put("/services/db/instances/db-1", SPEC)
    assert again.status == 200
    assert again.json["revision"] == first.json["revision"], "a renewal is no event"

    changed = client.put("/services/db/instances/db-1", SPEC | {"weight": 5})
    assert changed.status == 200
    assert changed.json["revision"] > first.json["revision"]
    assert changed.json["weight"] == 5


def test_an_id_belongs_to_one_service(client):
    client.register("owner", "owned-1")
    answer = client.put("/services/thief/instances/owned-1", SPEC)
    assert answer.status == 409


def test_the_id_in_the_body_is_the_paths(client):
    assert client.put("/services/db/instances/db-2", SPEC | {"id": "db-2"}).status == 201
    answer = client.put("/services/db/instances/db-2", SPEC | {"id": "db-3"})
    assert answer.status == 400
    assert answer.json["field"] == "id"


def test_an_older_incarnation_can_do_nothing_to_a_newer_one(client):
    old = client.register("lives", "life-1", session="first")
    new = client.register("lives", "life-1", session="second")
    assert new["incarnation"] == old["incarnation"] + 1

    assert client.put("/instances/life-1/heartbeat", {"session": "first"}).status == 409
    assert client.delete("/instances/life-1?session=first").status == 409
    assert client.put("/services/lives/instances/life-1", SPEC | {"session": "first"}).status == 409

    assert client.put("/instances/life-1/heartbeat", {"session": "second"}).status == 204
    assert client.delete("/instances/life-1?session=second").status == 204


def test_a_delayed_registration_doesnt_revive_what_was_removed(client):
    client.register("lives", "life-2", session="only")
    client.delete("/instances/life-2?session=only")
    assert client.put("/services/lives/instances/life-2", SPEC | {"session": "only"}).status == 409
    assert client.put("/services/lives/instances/life-2", SPEC | {"session": "next"}).status == 201


def test_a_session_is_never_shown(client):
    client.register("secretive", "secretive-1", session="hunter2")
    for target in ("/services/secretive", "/instances/secretive-1", "/instances/secretive-1/history"):
        assert b"hunter2" not in client.get(target).body


def test_instances_are_filtered(client):
    client.register("fleet", "fleet-1", tags=["eu", "v2"])
    client.register("fleet", "fleet-2", tags=["us"])
    client.put("/instances/fleet-2/maintenance", {"enabled": True, "reason": "disk"})

    def ids(query):
        answer = client.get(f"/services/fleet/instances{query}").json
        assert answer["count"] == len(answer["instances"])
        return [instance["id"] for instance in answer["instances"]]

    assert sorted(ids("")) == ["fleet-1", "fleet-2"]
    assert ids("?tag=eu") == ["fleet-1"]
    assert ids("?status=maintenance") == ["fleet-2"]
    assert ids("?status=passing&tag=us") == []
    assert sorted(ids("?source=api")) == ["fleet-1", "fleet-2"]
    assert ids("?source=probe") == []


def test_maintenance_hides_health_and_gives_it_back(client):
    client.register("shop", "shop-1")
    during = client.put("/instances/shop-1/maintenance", {"enabled": True, "reason": "new disk"}).json
    assert (during["status"], during["maintenance"], during["health"]) == ("maintenance", "new disk", "passing")
    assert client.get("/services/shop").json["service"]["instance_counts"]["maintenance"] == 1

    after = client.put("/instances/shop-1/maintenance", {"enabled": False}).json
    assert after["status"] == "passing"
    assert "maintenance" not in after
    assert client.put("/instances/nobody/maintenance", {"enabled": True}).status == 404


HOSTILE = ["größe 日本 🦄", "a/b", "..", "%2e%2e", "<script>", "a\"b\\c", " leading and trailing ", "x" * 255, "?#&;=+"]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_works(client, name):
    path = f"/services/{quote(name, safe='')}"
    location = client.put(f"{path}/instances/{quote('id of ' + name[:200], safe='')}", SPEC).headers["Location"]
    assert client.get(path).json["service"]["name"] == name
    assert client.get(location).json["service"] == name
    assert client.delete(location).status == 204


def test_a_check_may_only_reach_where_the_configuration_allows(client):
    answer = client.put("/services/curious/instances/curious-1", SPEC | {"check": {"tcp": "192.0.2.1:80"}})
    assert answer.status == 403
    assert answer.json["field"].startswith("check")


def test_services_have_the_shape_of_the_swarm_registry(client):
    client.register("shape", "shape-1")
    listed = client.get("/services").json
    assert listed["metadata"]["count"] == len(listed["services"])
    entry = next(service for service in listed["services"] if service["name"] == "shape")
    alone = client.get("/services/shape").json["service"]
    assert {key: value for key, value in alone.items() if key != "instances"} == entry
    assert [instance["id"] for instance in alone["instances"]] == ["shape-1"]
    assert client.get("/services/nobody").json["error"] == "service not found"


def test_etags_stand_for_revisions(client):
    client.register("tagged", "tagged-1")
    for target in ("/services", "/services/tagged", "/services/tagged/instances"):
        tag = client.get(target).headers["ETag"]
        assert client.get(target, headers={"If-None-Match": tag}).status == 304
    tag = client.get("/services/tagged").headers["ETag"]
    client.put("/instances/tagged-1/heartbeat")
    assert client.get("/services/tagged").headers["ETag"] == tag, "a heartbeat is no event"
    client.register("tagged", "tagged-2")
    assert client.get("/services/tagged", headers={"If-None-Match": tag}).status == 200


def test_a_large_service_is_whole(client):
    for number in range(300):
        client.register("large", f"large-{number}")
    for number in range(0, 300, 3):
        client.delete(f"/instances/large-{number}")
    wanted = {f"large-{number}" for number in range(300) if number % 3}
    service = client.get("/services/large").json["service"]
    assert {instance["id"] for instance in service["instances"]} == wanted
    assert service["instance_counts"]["passing"] == len(wanted)


def test_expired_leases_leave_the_list(client):
    for number in range(20):
        client.register("burst", f"burst-{number}", ttl=1)
    eventually(lambda: client.get("/services/burst").status == 404, within_s=4)

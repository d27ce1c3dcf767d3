"""Whatever a client gets wrong, the answer names it, and the daemon goes on."""
import json

import pytest

OK = {"address": "10.0.0.5", "port": 8080}

BODIES = [
    # body, field at fault
    ({"port": "8080"}, "port"),
    ({"port": 0}, "port"),
    ({"port": 65536}, "port"),
    ({"port": 66554}, "port"),
    ({"port": -1}, "port"),
    ({"port": 80.5}, "port"),
    ({"port": None}, "port"),
    ({"address": 5}, "address"),
    ({"address": ""}, "address"),
    ({"address": "a" * 256}, "address"),
    ({"address": "a\u0007"}, "address"),
    ({"weight": -1}, "weight"),
    ({"weight": 65536}, "weight"),
    ({"ttl": 0.5}, "ttl"),
    ({"ttl": 3601}, "ttl"),
    ({"ttl": True}, "ttl"),
    ({"ttl": "soon"}, "ttl"),
    ({"ttl": 1e308}, "ttl"),
    ({"deregister_after": -1}, "deregister_after"),
    ({"deregister_after": 604801}, "deregister_after"),
    ({"tags": "eu"}, "tags"),
    ({"tags": [1]}, "tags[0]"),
    ({"tags": ["eu", "eu"]}, "tags[1]"),
    ({"tags": [""]}, "tags[0]"),
    ({"tags": [str(number) for number in range(65)]}, "tags"),
    ({"metadata": []}, "metadata"),
    ({"metadata": {"zone": 1}}, "metadata.zone"),
    ({"metadata": {"zone": "x" * 4097}}, "metadata.zone"),
    ({"metadata": {str(number): "" for number in range(65)}}, "metadata"),
    ({"session": 1}, "session"),
    ({"session": "s" * 256}, "session"),
    ({"id": ""}, "id"),
    ({"id": "i" * 256}, "id"),
    ({"check": "tcp"}, "check"),
    ({"check": {}}, "check"),
    ({"check": {"tcp": "10.0.0.5:80", "http": "http://10.0.0.5/"}}, "check"),
    ({"check": {"tcp": "10.0.0.5"}}, "check.tcp"),
    ({"check": {"http": "file:///etc/passwd"}}, "check.http"),
    ({"check": {"http": "http://user:secret@10.0.0.5/"}}, "check.http"),
    ({"check": {"tcp": "10.0.0.5:80", "interval": 0}}, "check.interval"),
    ({"check": {"tcp": "10.0.0.5:80", "inteval": 5}}, "check.inteval"),
    ({"colour": "red"}, "colour"),
]


@pytest.mark.parametrize("body, field", BODIES, ids=[json.dumps(body)[:50] for body, _ in BODIES])
def test_the_field_at_fault_is_named(client, body, field):
    answer = client.post("/services/bad/instances", OK | body)
    assert answer.status == 400, answer.body
    assert answer.json["field"] == field
    assert answer.json["detail"]
    assert client.get("/services/bad").status == 404


TEXTS = [
    b"",
    b"{",
    b"{}{}",
    b"[]",
    b"null",
    b'"text"',
    b'{"port":8080,}',
    b'{"port":08}',
    b'{"port":NaN}',
    b'{"port":1,"port":2}',
    b'{"address":"\xff\xfe"}',
    b'{"address":"\xed\xa0\x80"}',
    b'{"address":"\\ud800"}',
    b'\xef\xbb\xbf{}',
    b'{"metadata":' + b'{"a":' * 200 + b"1" + b"}" * 201,
    b'{"tags":' + b"[" * 5000 + b"]" * 5000 + b"}",
    b"\x00",
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_what_isnt_the_json_wanted_is_refused(client, text):
    answer = client.post("/services/bad/instances", raw=text)
    assert answer.status == 400, answer.body
    assert client.get("/version").status == 200


QUERIES = [
    ("/services?tag=eu", "tag"),
    ("/services/x?colour=red", "colour"),
    ("/services/x/instances?state=passing", "state"),
    ("/services/x/instances?status=fine", "status"),
    ("/services/x/instances?source=me", "source"),
    ("/services/x/instances?tag=", "tag"),
    ("/services/x/instances?tag=%zz", "tag"),
    ("/instances/x?full=1", "full"),
    ("/instances/x/history?limit=0", "limit"),
    ("/instances/x/history?limit=1001", "limit"),
    ("/instances/x/history?before=x", "before"),
    ("/history?limit=ten", "limit"),
    ("/history?limit=-1", "limit"),
    ("/history?after=9007199254740992", "after"),
    ("/history?before=1.5", "before"),
    ("/history?since=yesterday", "since"),
    ("/history?since=nan", "since"),
    ("/history?until=1e300", "until"),
    ("/history?until=-1", "until"),
    ("/history?order=random", "order"),
    ("/history?servce=x", "servce"),
    ("/version?x=1", "x"),
    ("/metrics?x=1", "x"),
]


@pytest.mark.parametrize("target, field", QUERIES)
def test_the_parameter_at_fault_is_named(client, target, field):
    answer = client.get(target)
    assert (answer.status, answer.json["field"]) == (400, field)


@pytest.mark.parametrize("path", ["%00", "%0a", "%7f", "%c2%80", "%ff", "x" * 256])
def test_bad_names_in_paths_are_refused(client, path):
    for target in (f"/services/{path}", f"/instances/{path}", f"/services/{path}/instances"):
        assert client.get(target).status == 400
    assert client.put(f"/services/x/instances/{path}", OK).status == 400


def test_bad_heartbeats_are_refused(client):
    for body, field in ({"ids": "a"}, "ids"), ({"ids": [1]}, "ids[0]"), ({}, "ids"), ({"ids": [], "x": 1}, "x"):
        answer = client.post("/heartbeats", body)
        assert (answer.status, answer.json["field"]) == (400, field)
    answer = client.post("/heartbeats", {"ids": ["x"] * 10_001})
    assert (answer.status, answer.json["field"]) == (400, "ids")
    assert client.put("/instances/x/heartbeat", {"sesion": "x"}).json["field"] == "sesion"


def test_bad_maintenance_is_refused(client):
    for body, field in ({}, "enabled"), ({"enabled": "yes"}, "enabled"), ({"enabled": True, "reason": 5}, "reason"):
        answer = client.put("/instances/x/maintenance", body)
        assert (answer.status, answer.json["field"]) == (400, field)


def test_unknown_paths_and_methods_are_told_apart(client):
    assert client.get("/nothing/here", described=False).status == 404
    answer = client.ask("PATCH", "/services", described=False)
    assert answer.status == 405
    assert "GET" in answer.headers["Allow"]
    assert client.ask("POST", "/services", described=False).status == 405
    assert client.get("/heartbeats", described=False).status == 405
    options = client.ask("OPTIONS", "/instances/x", described=False)
    assert options.status == 204
    assert {"GET", "DELETE"} <= set(options.headers["Allow"].replace(" ", "").split(","))

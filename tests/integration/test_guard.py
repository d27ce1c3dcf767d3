"""No web page may drive a daemon on loopback."""
import pytest

OK = {"address": "10.0.0.5", "port": 8080}
TARGET = "/services/guarded/instances"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:5001", "127.0.0.1.evil.example", "localhost.evil"])
def test_foreign_host_names_are_refused(client, host):
    """A name that an attacker's DNS points at loopback."""
    for method, target in ("GET", "/services"), ("POST", TARGET):
        answer = client.ask(method, target, OK if method == "POST" else None, headers={"Host": host}, described=False)
        assert (answer.status, answer.json["field"]) == (403, "host")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:5001", "[::1]:80", "192.0.2.7"])
def test_addresses_and_localhost_are_fine(client, host):
    assert client.get("/version", headers={"Host": host}).status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://localhost"])
def test_other_origins_are_refused(client, origin):
    for method, target in ("GET", "/services"), ("POST", TARGET), ("DELETE", "/instances/x"):
        answer = client.ask(method, target, OK if method == "POST" else None, headers={"Origin": origin},
                            described=False)
        assert (answer.status, answer.json["field"]) == (403, "origin")


def test_its_own_page_may_ask(client):
    own = f"{client.host}:{client.port}"
    assert client.get("/services", headers={"Host": own, "Origin": f"http://{own}"}).status == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json",
                                  "application/jsonp", ""])
def test_a_body_is_json_or_refused(client, kind):
    answer = client.post(TARGET, OK, headers={"Content-Type": kind})
    assert answer.status == 415
    assert client.get("/services/guarded").status == 404


def test_parameters_of_the_content_type_are_fine(client):
    answer = client.post("/services/charset/instances", OK, headers={"Content-Type": "Application/JSON; charset=utf-8"})
    assert answer.status == 201


def test_nothing_changes_by_get(client):
    client.register("steady", "steady-1")
    before = client.get("/version").json["revision"]
    for target in ("/services/steady/instances", "/instances/steady-1", "/instances/steady-1?session=x",
                   "/instances/steady-1/heartbeat", "/instances/steady-1/maintenance", "/heartbeats"):
        client.get(target, described=False)
    assert client.get("/version").json["revision"] == before


def test_pages_of_listed_origins_may_ask(start):
    desk = {"Origin": "https://desk.example"}
    with start("--cors-origins", "https://desk.example,http://localhost:3000").client() as client:
        answer = client.get("/services", headers=desk)
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "https://desk.example"
        assert answer.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        leave = client.ask("OPTIONS", "/instances/x", headers={**desk, "Access-Control-Request-Method": "DELETE"},
                           described=False)
        assert leave.status == 204 and "DELETE" in leave.headers["Access-Control-Allow-Methods"]
        assert "last-event-id" in leave.headers["Access-Control-Allow-Headers"]
        assert client.post(TARGET, OK, headers=desk).status == 201
        assert client.post(TARGET, OK, headers={**desk, "Content-Type": "text/plain"}).status == 415
        foreign = client.get("/services", headers={"Origin": "https://evil.example"}, described=False)
        assert foreign.status == 403 and "Access-Control-Allow-Origin" not in foreign.headers


def test_a_page_gets_no_leave_from_a_preflight(client):
    answer = client.ask("OPTIONS", "/instances/x", headers={"Origin": "http://evil.example",
                                                            "Access-Control-Request-Method": "DELETE"}, described=False)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]

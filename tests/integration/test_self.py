"""The daemon about itself."""


def test_health_is_degraded_until_something_was_seen(start):
    daemon = start()
    with daemon.client() as client:
        empty = client.get("/health")
        assert (empty.status, empty.json["status"]) == (200, "degraded")
        assert empty.json["warnings"]
        client.register("first", "first-1")
        health = client.get("/health").json
        assert health["status"] == "healthy"
        assert health["service"] == "service-registry"
        assert health["cache"]["services_count"] == 1
        assert health["publisher"] == {"enabled": False, "connected": False}


def test_version(client):
    assert client.get("/version").json["name"] == "rollcall"


def test_metrics_count_what_happens(client):
    def value(name):
        lines = client.get("/metrics").body.decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)

    changes = value("rollcall_changes_total")
    client.register("counted", "counted-1")
    assert value("rollcall_changes_total") == changes + 1
    assert value("rollcall_leases") >= 1
    assert value("rollcall_services") >= 1
    assert value("rollcall_store_bytes") > 0
    assert value("process_resident_memory_bytes") > 1e6
    requests = value("rollcall_http_requests_total")
    client.get("/version")
    assert value("rollcall_http_requests_total") > requests


def test_root_is_information_for_programs_and_a_page_for_browsers(client):
    information = client.get("/")
    assert information.json["service"] == "service-registry"
    page = client.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.body == client.get("/dashboard.html").body
    assert "Accept" in page.headers["Vary"]


def test_the_page_runs_nothing_but_its_own_script(client):
    page = client.get("/dashboard.html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for target in ("/assets/dashboard.css", "/assets/dashboard.js", "/favicon.svg"):
        assert target.encode() in page.body
        asset = client.get(target)
        assert client.get(target, headers={"If-None-Match": asset.headers["ETag"]}).status == 304


def test_no_servers_where_none_are_probed(client):
    assert client.get("/servers.json").json == {}

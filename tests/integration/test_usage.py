"""What services use, and what was discovered, as an autoscaler asks for it."""
import json
import shutil
import socket
import subprocess

import pytest

from client import eventually

ORTHANC = shutil.which("Orthanc", path="/usr/sbin:/usr/bin")


def test_a_service_that_nobody_measures_has_no_metrics(client):
    client.register("unmeasured", "unmeasured-1")
    for name in ("unmeasured", "unheard-of"):
        for answer in (client.get(f"/services/{name}/metrics"), client.post(f"/services/{name}/metrics")):
            assert answer.status == 404
            assert answer.json["error"] == "metrics not available"


def test_a_window_that_history_doesnt_reach_is_refused(client):
    answer = client.get("/services/unmeasured/metrics?window=86400")
    assert answer.status == 400
    assert answer.json["field"] == "window"
    assert "from 1 to 3600" in answer.json["detail"]


def test_clearing_the_cache_leaves_what_registered_itself(client):
    client.register("steady", "steady-1")
    before = client.get("/cache/stats").json["cache_stats"]
    assert before["services_count"] >= 1
    assert client.post("/cache/clear").json["message"] == "cache cleared"
    refreshed = client.post("/cache/refresh").json
    assert refreshed["message"] == "cache refreshed"
    assert refreshed["cache_stats"]["cache_version"] == before["cache_version"], "no event came of it"
    assert client.get("/services/steady").status == 200


def test_what_nobody_orchestrates_isnt_to_be_scaled(client):
    for number in range(3):
        client.register("fixed", f"fixed-{number}")
    entry = client.get("/services/fixed").json["service"]
    assert (entry["min_replicas"], entry["current_replicas"], entry["max_replicas"]) == (3, 3, 3)


def test_an_agent_is_told_where_there_is_no_swarm(client):
    task = {"task": "t1", "service": "s1", "container": "c1", "action": "start", "health": "none"}
    answer = client.post("/agents/node-1", {"tasks": [task], "samples": []})
    assert answer.status == 503
    assert "no Swarm" in answer.json["detail"]
    wrong = client.post("/agents/node-1", {"tasks": [task | {"health": "fine"}]})
    assert (wrong.status, wrong.json["field"]) == (400, "tasks[0].health")


@pytest.fixture
def orthanc_port(tmp_path):
    """Of a real Orthanc's web server."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        web, dicom = one.getsockname()[1], other.getsockname()[1]
    folder = tmp_path / "orthanc"
    folder.mkdir()
    (folder / "orthanc.json").write_text(json.dumps({
        "Name": "Archive", "StorageDirectory": str(folder), "IndexDirectory": str(folder), "Plugins": [], "HttpPort": web,
        "DicomPort": dicom, "RemoteAccessAllowed": False, "AuthenticationEnabled": False}))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([ORTHANC, folder / "orthanc.json"], stdout=log, stderr=log)
    yield web
    process.kill()
    process.wait()


@pytest.mark.skipif(ORTHANC is None, reason="orthanc isn't installed")
def test_orthanc_servers_are_measured_too(start, orthanc_port):
    daemon = start("--set", f"probe.web_ports={orthanc_port}", "--set", "probe.dicom_ports=1", "--set",
                   "probe.details_interval=500ms", environment={"ROLLCALL_PROBE_ENABLED": "true"})
    with daemon.client() as client:
        answer = eventually(lambda: (got := client.get("/services/orthanc/metrics")).status == 200 and got, 20)
    measured = answer.json["metrics"]
    assert measured["source"] == "orthanc"
    assert measured["memory_bytes"] > 1 << 20
    assert (measured["tasks_sampled"], measured["tasks_running"]) == (1, 1)

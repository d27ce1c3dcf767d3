"""HTTP/2 on the port of HTTP/1.1, as curl and nghttp2's own client speak it."""
import json
import re
import socket
import subprocess

from client import eventually

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, GOAWAY = 4, 7
TIMEOUT_S = 30


def curl(client, target, *arguments):
    """Status, version and body."""
    url = f"http://{client.host}:{client.port}{target}"
    done = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", "-m", "20", "-w", "\n%{http_code} %{http_version}",
                           *arguments, url], capture_output=True, timeout=TIMEOUT_S, check=True)
    body, _, told = done.stdout.decode().rpartition("\n")
    status, version = told.split()
    return int(status), version, body


def h2load(client, target, *arguments):
    done = subprocess.run(["h2load", *arguments, f"http://{client.host}:{client.port}{target}"], capture_output=True,
                          timeout=TIMEOUT_S, check=True, text=True)
    return {word: int(count) for count, word in re.findall(r"(\d+) (succeeded|failed|errored|2xx|4xx|5xx)", done.stdout)}


def frame(kind, flags=0, stream=0, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def frames(connection):
    """Kind and payload of what comes, until the server closes."""
    with connection.makefile("rb") as file:
        while len(head := file.read(9)) == 9:
            yield head[3], file.read(int.from_bytes(head[:3], "big"))


def test_the_same_answers(client):
    client.register("h2", "h2-1")
    status, version, body = curl(client, "/services/h2")
    assert (status, version) == (200, "2")
    same = json.loads(body), client.get("/services/h2").json
    for answer in same:
        answer.get("metadata", {}).pop("timestamp", None)
    assert same[0] == same[1]
    assert curl(client, "/services/nobody")[0] == 404
    assert curl(client, "/services/h2", "-I")[0] == 200
    assert curl(client, "/services", "-H", "Host: evil.example")[0] == 403
    assert curl(client, "/services", "-H", "Origin: http://evil.example")[0] == 403


def test_writes(client):
    spec = json.dumps({"address": "10.0.0.5", "port": 8080, "metadata": {"note": "x" * 3000}})
    status, _, body = curl(client, "/services/h2w/instances/h2w-1", "-X", "PUT", "-H", "Content-Type: application/json",
                           "-d", spec)
    assert status == 201, body
    assert curl(client, "/instances/h2w-1/heartbeat", "-X", "PUT")[0] in (200, 204)
    assert client.get("/services/h2w").status == 200


def test_a_long_body_is_refused(client, tmp_path):
    long = tmp_path / "long"
    long.write_bytes(b"[" + b"0," * (600 << 10) + b"0]")
    status, _, _ = curl(client, "/heartbeats", "-X", "POST", "-H", "Content-Type: application/json", "-H", "Expect:",
                        "--data-binary", f"@{long}")
    assert status == 413


def test_many_instances_to_many_streams(client):
    for number in range(300):
        client.register("h2many", f"h2many-{number}", metadata={"note": "n" * 500})
    whole = curl(client, "/services/h2many")[2]
    assert len(whole) > 300 * 500
    counts = h2load(client, "/services/h2many", "-n", "2000", "-c", "4", "-m", "16", "-w", "12", "-W", "13")
    assert counts["2xx"] == counts["succeeded"] == 2000


def test_writes_from_many_streams(client, tmp_path):
    body = tmp_path / "body"
    body.write_text(json.dumps({"address": "10.0.0.5", "port": 8080}))
    counts = h2load(client, "/services/h2post/instances", "-n", "500", "-c", "4", "-m", "16", "-d", str(body), "-H",
                    "content-type: application/json")
    assert counts["2xx"] == 500


def test_clients_that_are_killed_leave_nothing_behind(client):
    def connections():
        text = client.get("/metrics", described=False).body.decode()
        return float(re.search(r"^\w*http_connections(?:\{[^}]*\})? (\S+)$", text, re.MULTILINE)[1])

    url = f"http://{client.host}:{client.port}/services"
    client.register("h2killed", "h2killed-1")
    before = connections()
    load = [subprocess.Popen(["h2load", "-n", "10000000", "-c", "8", "-m", "32", url], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL) for _ in range(2)]
    try:
        eventually(lambda: connections() >= before + 16, 10)
    finally:
        for one in load:
            one.kill()
            one.wait()
    eventually(lambda: connections() <= before, 10)
    assert curl(client, "/services/h2killed")[0] == 200


def test_rapid_resets_end_the_connection(client):
    with socket.create_connection((client.host, client.port), timeout=TIMEOUT_S) as connection:
        header = bytes([0x82, 0x86, 0x84, 0x41, 9]) + b"localhost"  # GET http / localhost (RFC 7541)
        sent = PREFACE + frame(SETTINGS)
        for stream in range(1, 4001, 2):
            sent += frame(1, 0x5, stream, header) + frame(3, 0, stream, (8).to_bytes(4, "big"))
        connection.sendall(sent)
        last = [payload for kind, payload in frames(connection) if kind == GOAWAY]
    assert int.from_bytes(last[-1][4:8], "big") == 0xB  # ENHANCE_YOUR_CALM


def test_a_stopping_daemon_says_goodbye(start):
    daemon = start()
    with daemon.client() as client, socket.create_connection((client.host, client.port), timeout=TIMEOUT_S) as connection:
        connection.sendall(PREFACE + frame(SETTINGS))
        coming = frames(connection)
        assert next(coming)[0] == SETTINGS
        code, _ = daemon.stop()
        assert code == 0
        assert GOAWAY in [kind for kind, _ in coming]

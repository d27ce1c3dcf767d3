"""Long answers for clients that take gzip."""
import gzip
import json
import re
import subprocess

import pytest

TIMEOUT_S = 30
COUNT = 300
TIME = re.compile(rb'"timestamp":\d+')


def curl(client, target, *arguments):
    """Header and body, as they came or as --compressed makes of them."""
    url = f"http://{client.host}:{client.port}{target}"
    done = subprocess.run(["curl", "-sS", "-i", "-m", "20", *arguments, url], capture_output=True, timeout=TIMEOUT_S,
                          check=True)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    header = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    return int(status.split()[1]), header, body


def without_time(body):
    """Two answers may be given in different seconds."""
    assert TIME.search(body)
    return TIME.sub(b"", body)


@pytest.fixture(scope="module")
def target(daemon):
    with daemon.client() as client:
        for number in range(COUNT):
            client.register("long", f"long-{number}", metadata={"note": f"n{number}" * 20})
    return "/services/long/instances"


@pytest.mark.parametrize("version", ["--http1.1", "--http1.0", "--http2-prior-knowledge"])
def test_the_same_bytes_in_fewer(client, target, version):
    _, plain_header, plain = curl(client, target, version)
    status, header, body = curl(client, target, version, "--compressed")
    assert (status, header["content-encoding"]) == (200, "gzip")
    assert without_time(body) == without_time(plain) and len(json.loads(body)["instances"]) == COUNT
    assert "content-encoding" not in plain_header
    assert header["vary"] == plain_header["vary"] == "Accept-Encoding"
    assert header["etag"] == plain_header["etag"]
    packed = curl(client, target, version, "-H", "Accept-Encoding: br, gzip;q=0.5")[2]
    assert without_time(gzip.decompress(packed)) == without_time(plain)
    assert len(packed) * 4 < len(plain)


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
def test_who_has_it_gets_304(client, target, version):
    _, header, _ = curl(client, target, version, "--compressed")
    status, same, body = curl(client, target, version, "--compressed", "-H", f"If-None-Match: {header['etag']}")
    assert (status, body) == (304, b"")
    assert (same["vary"], same["etag"]) == ("Accept-Encoding", header["etag"])
    assert "content-encoding" not in same


def test_only_who_asks(client, target):
    for refusal in "identity", "gzip;q=0", "*;q=0", "br":
        header = curl(client, target, "-H", f"Accept-Encoding: {refusal}")[1]
        assert "content-encoding" not in header and header["vary"] == "Accept-Encoding"


def test_short_answers_and_events_stay_as_they_are(client, target):
    client.register("short", "short-1")
    header = curl(client, "/services/short", "--compressed")[1]
    assert "content-encoding" not in header and "vary" not in header
    with subprocess.Popen(["curl", "-sSN", "-i", "--compressed", f"http://{client.host}:{client.port}/watch"],
                          stdout=subprocess.PIPE) as watch:
        head = list(iter(lambda: watch.stdout.readline().strip().lower(), b""))
        watch.kill()
    assert b"content-type: text/event-stream" in head
    assert not [line for line in head if line.startswith(b"content-encoding")]


def test_the_page(client):
    for path in "/dashboard.html", "/assets/dashboard.js", "/openapi.yaml":
        assert curl(client, path, "--compressed")[1]["content-encoding"] == "gzip"
        assert curl(client, path, "--compressed")[2] == curl(client, path)[2]


def test_it_can_be_turned_off(start):
    with start("--set", "http.gzip_min_bytes=0").client() as client:
        header = curl(client, "/openapi.yaml", "--compressed")[1]
        assert "content-encoding" not in header and header["vary"] == "Accept"

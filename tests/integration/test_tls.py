"""HTTPS: certificates, their reload, and peers that speak something else."""
import http.client
import os
import signal
import socket
import ssl
import subprocess
import time

import pytest
from authority import Authority, use
from client import DESCRIPTION, TIMEOUT_S, eventually
from daemon import binary


def connection(daemon, context):
    host, port = daemon.address.rsplit(":", 1)
    return http.client.HTTPSConnection(host, int(port), timeout=TIMEOUT_S, context=context)


def get(connected, target):
    connected.request("GET", target)
    answer = connected.getresponse()
    body = answer.read()
    DESCRIPTION.judge("GET", target, answer.status, answer.headers, body)
    return answer.status


def name_of_server(connected):
    return dict(pair[0] for pair in connected.sock.getpeercert()["subject"])["commonName"]


def plain(daemon):
    host, port = daemon.address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=TIMEOUT_S)


def closed(connected):
    """What was sent before the connection was closed, waiting for it."""
    heard = b""
    try:
        while more := connected.recv(4096):
            heard += more
    except ConnectionResetError:
        pass
    return heard


def stopped_cleanly(daemon):
    code, seconds = daemon.stop()
    assert code == 0 and " ERROR " not in daemon.log()
    return seconds


def test_services_are_registered_and_asked_for_over_https(served, authority):
    daemon = served()
    connected = connection(daemon, authority.trusted())
    connected.request("PUT", "/services/secure/instances/secure-1", '{"address":"10.0.0.5","port":8080}',
                      {"Content-Type": "application/json"})
    created = connected.getresponse()
    created.read()
    assert created.status == 201
    assert get(connected, "/services/secure") == 200
    assert "listening on https://127.0.0.1:" in daemon.log()
    connected.close()
    stopped_cleanly(daemon)


def test_curl_agrees_on_everything(served, authority):
    daemon = served()
    curl = ["curl", "--silent", "--show-error", "--max-time", "10", "--cacert", authority.cert]
    for version in ("--tlsv1.2", "--tlsv1.3"):
        asked = subprocess.run([*curl, version, "--write-out", "%{http_code}", "--output", os.devnull,
                                f"https://{daemon.address}/health"], capture_output=True, text=True)
        assert asked.stdout == "200", asked.stderr
    stranger = subprocess.run(["curl", "--silent", "--max-time", "10", f"https://{daemon.address}/health"])
    assert stranger.returncode == 60, "it can't know the authority"
    stopped_cleanly(daemon)


def test_clients_need_a_certificate_where_one_is_asked_for(served, authority, tmp_path):
    daemon = served("--tls-client-ca", authority.cert)
    known = connection(daemon, authority.trusted(authority.certify("friend")))
    assert get(known, "/services") == 200
    strangers = Authority(tmp_path / "strangers").certify("friend")
    for context in (authority.trusted(), authority.trusted(strangers)):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            get(connection(daemon, context), "/services")
    assert get(known, "/services") == 200
    assert "everyone with a client certificate" in daemon.log()


def test_sighup_changes_the_certificate_for_new_connections(served, authority, tmp_path):
    daemon = served()
    old = connection(daemon, authority.trusted())
    assert get(old, "/health") == 200
    use(tmp_path, *authority.certify("two"))
    os.kill(daemon.pid, signal.SIGHUP)
    eventually(lambda: 'from now on with the certificate "CN = two"' in daemon.log(), 5)
    fresh = connection(daemon, authority.trusted())
    assert get(fresh, "/health") == 200
    assert name_of_server(fresh) == "two"
    assert get(old, "/health") == 200
    assert name_of_server(old) == "one"
    old.close()
    fresh.close()
    stopped_cleanly(daemon)


def test_files_that_cant_be_used_leave_the_old_ones_in_use(served, authority, tmp_path):
    daemon = served()
    (tmp_path / "cert.pem").write_text("nothing")
    os.kill(daemon.pid, signal.SIGHUP)
    eventually(lambda: " ERROR " in daemon.log(), 5)
    assert 'goes on with the certificate "CN = one"' in daemon.log()
    assert "tls.cert" in daemon.log()
    assert get(connection(daemon, authority.trusted()), "/health") == 200


def test_sighup_without_tls_is_only_told(start):
    daemon = start()
    os.kill(daemon.pid, signal.SIGHUP)
    eventually(lambda: "there is nothing to reload" in daemon.log(), 5)
    with daemon.client() as client:
        assert client.get("/health").status == 200
    stopped_cleanly(daemon)


def test_http_in_the_clear_is_closed(served):
    daemon = served()
    with plain(daemon) as connected:
        connected.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connected.shutdown(socket.SHUT_WR)
        assert b"HTTP" not in closed(connected)
    stopped_cleanly(daemon)


def test_a_slow_handshake_is_cut(served, authority):
    daemon = served("--set", "http.request_timeout=300ms")
    with plain(daemon) as silent, plain(daemon) as slow:
        begin = time.monotonic()
        slow.sendall(b"\x16\x03\x01")
        assert closed(silent) == closed(slow) == b""
        assert time.monotonic() - begin < 5
    assert get(connection(daemon, authority.trusted()), "/health") == 200


def test_stopping_doesnt_wait_for_handshakes(served, authority):
    daemon = served()
    with plain(daemon) as slow:
        slow.sendall(b"\x16\x03\x01")
        assert get(connection(daemon, authority.trusted()), "/health") == 200
        assert stopped_cleanly(daemon) < 2
        assert "unanswered" not in daemon.log()


def test_peers_that_vanish_mid_handshake_leave_nothing_behind(served, authority):
    daemon = served()
    descriptors = f"/proc/{daemon.pid}/fd"
    before = len(os.listdir(descriptors))
    context = authority.trusted()
    for taken in (1, 40, 150):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        with plain(daemon) as connected:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # closing resets
            connected.sendall(outgoing.read()[:taken])
    eventually(lambda: len(os.listdir(descriptors)) <= before, 5)
    stopped_cleanly(daemon)


def failed_handshakes(connected):
    connected.request("GET", "/metrics")
    lines = connected.getresponse().read().decode().splitlines()
    return int(next(line for line in lines if line.startswith("rollcall_tls_handshakes_failed_total ")).split()[1])


def test_failed_handshakes_are_counted(served, authority, tmp_path):
    daemon = served()
    connected = connection(daemon, authority.trusted())
    assert failed_handshakes(connected) == 0
    plain(daemon).close()  # as a check of the port does
    with plain(daemon) as in_the_clear:
        in_the_clear.sendall(b"GET / HTTP/1.1\r\n\r\n")
    with plain(daemon) as giving_up:
        giving_up.sendall(b"\x16\x03\x01")
    with pytest.raises(ssl.SSLError):
        get(connection(daemon, Authority(tmp_path / "strangers").trusted()), "/health")
    get(connection(daemon, authority.trusted()), "/health")
    eventually(lambda: failed_handshakes(connected) == 3, 5)
    connected.close()
    stopped_cleanly(daemon)


def test_an_exposed_key_is_warned_of(served, authority, tmp_path):
    daemon = served()
    warning = f'tls.key is "{tmp_path / "key.pem"}", which is open to others than its owner'
    assert "tls.key" not in daemon.log()
    for mode in (0o640, 0o604):
        (tmp_path / "key.pem").chmod(mode)
        before = daemon.log().count(warning)
        os.kill(daemon.pid, signal.SIGHUP)
        eventually(lambda: daemon.log().count(warning) == before + 1, 5)
    assert get(connection(daemon, authority.trusted()), "/health") == 200
    assert warning in served(name="another").log()


def refusal(*arguments):
    ended = subprocess.run([binary(), "serve", "--http", "127.0.0.1:0", "--set", "store=memory", *arguments],
                           capture_output=True, text=True, timeout=20)
    assert ended.returncode != 0 and ended.stdout == ""
    return ended.stderr


def test_what_cant_be_served_stops_the_start(authority):
    cert, key = authority.certify("one")
    _, other = authority.certify("two")
    assert "tls.cert needs tls.key as well" in refusal("--tls-cert", cert)
    assert "tls.key needs tls.cert as well" in refusal("--tls-key", key)
    assert "tls.client_ca needs tls.cert" in refusal("--tls-client-ca", cert)
    assert 'tls.cert is "/nowhere"' in refusal("--tls-cert", "/nowhere", "--tls-key", key)
    wrong = refusal("--tls-cert", cert, "--tls-key", other)
    assert f'tls.key is "{other}", whose key isn\'t that of the certificate' in wrong
    assert "PRIVATE KEY" not in wrong

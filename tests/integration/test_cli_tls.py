"""The command line over https."""
import contextlib
import signal
import socket
import ssl
import threading

import pytest
from authority import Authority
from command_line import BOUND_S, eventually, keep, run

TOKEN = "0123456789abcdef"


@pytest.fixture
def cacert(authority):
    return f"--cacert={authority.cert}"


def https(daemon):
    return f"https://{daemon.address}"


def port_of(daemon):
    return daemon.address.rpartition(":")[2]


class Listener:
    """Accepts one connection under TLS, and keeps what it heard: an error of TLS, the name that was asked for, data."""

    def __init__(self, cert, key):
        self.name = None
        self.heard = b""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(cert, key)
        self._context.sni_callback = self._asked_for
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(BOUND_S)
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _asked_for(self, _connection, name, _context):
        self.name = name

    def _serve(self):
        with self._listening, contextlib.suppress(OSError):
            raw, _ = self._listening.accept()
            raw.settimeout(BOUND_S)
            with self._context.wrap_socket(raw, server_side=True) as connection:
                self.heard = connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"status\":\"healthy\"}")

    def done(self):
        self._thread.join(BOUND_S)
        return self


def test_every_command_that_asks_a_daemon(served, cacert):
    daemon = served()

    def cli(*words):
        return run(*words, cacert, server=https(daemon))

    assert cli("health").returncode == 0
    assert cli("register", "billing", "--id", "b-1", "--address", "10.0.0.7", "--port", "80").stdout == "b-1\n"
    assert cli("query", "billing").stdout == "10.0.0.7:80\n"
    assert cli("heartbeat", "b-1").returncode == 0
    assert "billing" in cli("services").stdout and "b-1" in cli("instances", "billing").stdout
    assert "daemon" in cli("version", "--daemon").stdout
    assert '"b-1"' in cli("watch", "--since", "0", "--count", "1", "--json").stdout
    assert cli("deregister", "b-1").returncode == 0


def test_a_command_is_kept_registered(served, authority):
    daemon = served()
    environment = {"server": https(daemon), "ROLLCALL_CACERT": str(authority.cert)}
    running = keep(https(daemon), "kept", "sleep", "60", ROLLCALL_CACERT=str(authority.cert))
    eventually(lambda: run("query", "kept", **environment).returncode == 0)
    running.send_signal(signal.SIGTERM)
    assert running.wait(BOUND_S) == 128 + signal.SIGTERM
    assert run("query", "kept", **environment).returncode == 1


def test_the_name_that_was_asked_for_must_be_the_certificate_s(served, authority, cacert, tmp_path):
    daemon = served()
    assert run("health", cacert, "--server", f"https://localhost:{port_of(daemon)}").returncode == 0
    cert, key = authority.certify("elsewhere", "DNS:elsewhere.example,IP:10.0.0.1")
    for host in ("localhost", "127.0.0.1"):
        listener = Listener(cert, key)
        told = run("services", cacert, "--server", f"https://{host}:{listener.port}", ROLLCALL_TOKEN=TOKEN)
        assert (told.returncode, listener.done().heard) == (3, b"")
        assert "its certificate is for another name" in told.stderr


def test_a_server_with_several_certificates_is_told_the_name(authority, cacert):
    for host, name in (("localhost", "localhost"), ("127.0.0.1", None)):
        listener = Listener(*authority.certify("several"))
        told = run("health", cacert, "--server", f"https://{host}:{listener.port}")
        assert (told.stdout, listener.done().name) == ("healthy\n", name)
        assert f"Host: {host}:{listener.port}\r\n".encode() in listener.heard


def test_who_isnt_trusted_hears_nothing(authority, cacert, tmp_path):
    stranger = Authority(tmp_path / "strangers")
    for certificate, words, why in (
            (stranger.certify("one"), [cacert], "its certificate isn't trusted"),
            (authority.certify("one"), [], "its certificate isn't trusted"),  # the system's roots
            ((stranger.cert, stranger.key), [cacert], "its certificate isn't trusted (self-signed certificate)"),
            (authority.certify("old", days=-1), [cacert], "its certificate has expired")):
        listener = Listener(*certificate)
        told = run("services", *words, "--server", f"https://127.0.0.1:{listener.port}", ROLLCALL_TOKEN=TOKEN)
        assert (told.returncode, listener.done().heard) == (3, b"")
        assert f"TLS with 127.0.0.1:{listener.port} failed: {why}" in told.stderr


def test_tokens_go_along(served, cacert):
    daemon = served(environment={"ROLLCALL_ACCESS_TOKENS": f"write:{TOKEN}"})
    assert run("services", cacert, server=https(daemon)).returncode == 4
    assert run("services", cacert, server=https(daemon), ROLLCALL_TOKEN=TOKEN).returncode == 0


def test_a_certificate_of_ours(served, authority, cacert, tmp_path):
    daemon = served("--tls-client-ca", authority.cert)
    cert, key = authority.certify("friend")
    assert run("services", cacert, "--cert", cert, "--key", key, server=https(daemon)).returncode == 0
    told = run("services", cacert, server=https(daemon))
    assert told.returncode == 3 and "it asks for a certificate of ours" in told.stderr
    strangers = Authority(tmp_path / "strangers").certify("friend")
    told = run("services", cacert, "--cert", strangers[0], "--key", strangers[1], server=https(daemon))
    assert told.returncode == 3 and "it doesn't trust our certificate" in told.stderr
    assert run("services", cacert, "--cert", cert, server=https(daemon)).returncode == 2
    assert run("services", cacert, "--cert", cert, "--key", strangers[1], server=https(daemon)).returncode == 2


def test_http_and_https_that_are_mixed_up(served, start, authority, cacert):
    secure = served()
    told = run("services", server=secure.address)
    assert (told.returncode, told.stderr) == (
        3, f"rollcall: {secure.address} speaks TLS: ask https://{secure.address}\n")
    plain = start(name="plain")
    assert run("services", server=f"http://{plain.address}").returncode == 0
    told = run("services", cacert, server=https(plain))
    assert told.returncode == 3 and "it doesn't speak TLS; is it http://?" in told.stderr
    assert run("services", cacert, server=plain.address).returncode == 2
    # The variable is for all servers; the flag means this one.
    assert run("services", server=plain.address, ROLLCALL_CACERT=str(authority.cert)).returncode == 0
    assert run("services", server=https(secure), ROLLCALL_CACERT="/nowhere").returncode == 2

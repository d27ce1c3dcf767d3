"""Events as signed POSTs: to a receiver that fails, hangs, is away, or is somebody else."""
import contextlib
import hashlib
import hmac
import http.server
import json
import ssl
import threading
import time

import pytest
from client import eventually

SECRET = "sixteen bytes and more"
PATIENCE_S = 30


class Receiver:
    """Answers as told, and keeps what it has accepted."""

    def __init__(self, port=0, certificate=None):
        self.status = 204
        self.accepted = []
        self.answering = threading.Event()
        self.answering.set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.answering.wait()
                if receiver.status < 300:
                    receiver.accepted.append((self.path, dict(self.headers), body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.answering.set()
        self.server.shutdown()
        self.server.server_close()

    def bodies(self, event):
        return [json.loads(body) for _, _, body in self.accepted if json.loads(body)["event"] == event]

    def registered(self):
        return [body["instance"]["id"] for body in self.bodies("instance.registered")]


@pytest.fixture
def receiver():
    with contextlib.closing(Receiver()) as running:
        yield running


@pytest.fixture
def secret_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    file.chmod(0o600)
    return file


def to(receiver, secret_file, scheme="http"):
    return ["--set", f"webhook.url={scheme}://127.0.0.1:{receiver.port}/hooks/me?x=1", "--set",
            f"webhook.secret_file={secret_file}"]


def register_many(daemon, names):
    with daemon.client() as client:
        for name in names:
            client.register("billing", name)


def webhook_of(daemon):
    with daemon.client() as client:
        return client.get("/events").json["webhook"]


def test_messages_are_signed(start, receiver, secret_file):
    daemon = start(*to(receiver, secret_file))
    register_many(daemon, ["one"])
    eventually(receiver.registered, PATIENCE_S)
    for path, headers, body in receiver.accepted:
        assert path == "/hooks/me?x=1"
        assert headers["Content-Type"] == "application/json"
        signed = f"{headers['X-Rollcall-Timestamp']}.".encode() + body
        expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        assert headers["X-Rollcall-Signature"] == "sha256=" + expected
        assert abs(int(headers["X-Rollcall-Timestamp"]) - time.time()) < 60
        assert headers["X-Rollcall-Message"].endswith(":" + json.loads(body)["event"])
    assert receiver.bodies("service.added")[0]["service"]["name"] == "billing"


def test_what_fails_is_tried_again_in_order(start, receiver, secret_file):
    daemon = start(*to(receiver, secret_file))
    receiver.status = 500
    names = [f"i{number}" for number in range(100)]
    register_many(daemon, names)
    with daemon.client() as client:
        eventually(lambda: f"webhook: 127.0.0.1:{receiver.port} answered 500" in
                   client.get("/health").json.get("warnings", []), PATIENCE_S)
    assert webhook_of(daemon)["lag"]["events"] == 100
    receiver.status = 200
    eventually(lambda: len(receiver.registered()) == 100, PATIENCE_S)
    assert receiver.registered() == names
    eventually(lambda: webhook_of(daemon)["lag"]["events"] == 0, PATIENCE_S)


def test_a_receiver_that_is_away_misses_nothing(start, receiver, secret_file):
    daemon = start(*to(receiver, secret_file))
    eventually(lambda: webhook_of(daemon)["connected"], PATIENCE_S)
    receiver.close()
    names = [f"i{number}" for number in range(50)]
    register_many(daemon, names)
    daemon.kill()
    daemon.start()
    with contextlib.closing(Receiver(receiver.port)) as back:
        eventually(lambda: len(back.registered()) == 50, PATIENCE_S)
        assert back.registered() == names


def test_a_receiver_that_hangs_holds_nobody_up(start, receiver, secret_file):
    daemon = start(*to(receiver, secret_file))
    receiver.answering.clear()
    register_many(daemon, [f"i{number}" for number in range(20)])
    code, seconds = daemon.stop()
    assert code == 0 and seconds < 4


def test_over_tls(start, authority, secret_file):
    with contextlib.closing(Receiver(certificate=authority.certify("receiver"))) as receiver:
        daemon = start(*to(receiver, secret_file, "https"), "--set", f"webhook.ca={authority.cert}")
        register_many(daemon, ["one"])
        eventually(receiver.registered, PATIENCE_S)
        suspicious = start(*to(receiver, secret_file, "https"), name="suspicious")
        eventually(lambda: "webhook: " in suspicious.log() or "logger=webhook TLS" in suspicious.log(), PATIENCE_S)
        assert not webhook_of(suspicious)["connected"]


def test_nothing_of_it_is_shown(start, receiver, secret_file):
    daemon = start(*to(receiver, secret_file))
    with daemon.client() as client:
        eventually(lambda: webhook_of(daemon)["connected"], PATIENCE_S)
        shown = "".join(client.get(route).body.decode() for route in ("/health", "/events", "/metrics")) + daemon.log()
    assert SECRET not in shown
    assert "/hooks/me" not in shown


def test_bad_settings(start, secret_file, tmp_path):
    with pytest.raises(AssertionError, match="webhook.secret_file"):
        start("--set", "webhook.url=http://127.0.0.1:1/")
    with pytest.raises(AssertionError, match="webhook.url"):
        start("--set", "webhook.url=ftp://127.0.0.1:1/")
    secret_file.chmod(0o644)
    with pytest.raises(AssertionError, match="others can't read"):
        start("--set", "webhook.url=http://127.0.0.1:1/", "--set", f"webhook.secret_file={secret_file}")

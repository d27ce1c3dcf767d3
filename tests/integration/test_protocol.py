"""HTTP/1.1 as clients really speak it, and as they shouldn't."""
import pytest

from client import DESCRIPTION, Wire, eventually


@pytest.fixture
def wire(client):
    with Wire(client) as connection:
        yield connection


def get(target: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def test_pipelined_requests_are_answered_in_order(client, wire):
    client.register("pipe", "pipe-1")
    wire.send(get("/version") + get("/services/pipe") + get("/services/nobody") + get("/version"))
    statuses = [wire.answer() for _ in range(4)]
    assert [answer.status for answer in statuses] == [200, 200, 404, 200]
    assert statuses[1].json["service"]["name"] == "pipe"


def test_a_pipelined_write_comes_before_the_read_behind_it(wire):
    body = b'{"port":8080}'
    wire.send(b"PUT /services/order/instances/order-1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
              b"Content-Length: %d\r\n\r\n" % len(body) + body + get("/services/order"))
    assert [wire.answer().status for _ in range(2)] == [201, 200]


def test_a_request_may_come_in_single_bytes(wire):
    for byte in get("/version"):
        wire.send(bytes([byte]))
    assert wire.answer().status == 200


def test_a_chunked_body_is_a_body(wire):
    wire.send(b"PUT /services/chunks/instances/chunks-1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
              b"Transfer-Encoding: chunked\r\n\r\n6\r\n{\"port\r\n7\r\n\":8080}\r\n0\r\n\r\n")
    answer = wire.answer()
    assert answer.status == 201
    assert answer.json["port"] == 8080


def test_head_is_get_without_the_body(client, wire):
    client.register("headed", "headed-1")
    wire.send(get("/services/headed").replace(b"GET", b"HEAD", 1) + get("/services/headed"))
    head, whole = wire.answer(head=True), wire.answer()
    assert head.headers["Content-Length"] == str(len(whole.body))
    assert head.headers["ETag"] == whole.headers["ETag"]


def test_a_client_that_asks_first_is_told_to_go_on(wire):
    body = b'{"port":8080}'
    wire.send(b"PUT /services/polite/instances/polite-1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
              b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
    assert wire.status_line() == "HTTP/1.1 100 Continue"
    assert wire.status_line() == ""
    wire.send(body)
    assert wire.answer().status == 201


def test_connection_close_is_honoured(wire):
    wire.send(get("/version", "Connection: close"))
    assert wire.answer().headers["Connection"] == "close"
    assert wire.closed()


def test_a_body_over_the_limit_is_refused_before_it_is_read(client):
    answer = client.post("/services/big/instances", raw=b'{"address":"' + b"x" * (1 << 20) + b'"}')
    assert answer.status == 413
    assert client.get("/services/big").status == 404


def test_a_client_that_asks_first_is_spared_the_oversized_body(wire):
    wire.send(b"POST /services/big/instances HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
              b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
    assert wire.answer().status == 413


def test_a_header_over_the_limit_is_refused(wire):
    wire.send(get("/version", "X-Long: " + "x" * 20_000))
    answer = wire.answer()
    assert answer.status == 431
    DESCRIPTION.judge_problem(answer.headers, answer.body)


GARBAGE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET /version HTTP/9.9\r\n\r\n",
    b"GET /version HTTP/1.1\r\nHost localhost\r\n\r\n",
    b"GET /version HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    b"GET /version HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /heartbeats HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"\x00" * 100 + b"\r\n\r\n",
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_what_isnt_http_gets_a_4xx_and_is_shown_out(client, wire, garbage):
    wire.send(garbage)
    assert 400 <= wire.answer().status <= 505
    assert wire.closed()
    assert client.get("/version").status == 200


def test_a_slow_sender_is_shown_out_and_holds_up_nobody(start):
    daemon = start(environment={"ROLLCALL_HTTP_REQUEST_TIMEOUT": "1"})
    with daemon.client() as client, Wire(client) as slow:
        slow.send(b"POST /heartbeats HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  b"Content-Length: 100\r\n\r\n{")
        for _ in range(100):
            assert client.get("/version").status == 200
        assert slow.answer().status == 408
        assert slow.closed()


def test_connections_over_the_limit_are_refused_and_later_ones_served(start):
    daemon = start(environment={"ROLLCALL_HTTP_CONNECTIONS": "4"})
    with daemon.client() as client:
        assert client.get("/version").status == 200
        wires = [Wire(client) for _ in range(8)]

        def served(wire):
            try:
                wire.send(get("/version"))
                return wire.answer().status == 200
            except (OSError, IndexError):
                return False

        assert sum(served(wire) for wire in wires) == 3
        for wire in wires:
            wire.close()

        def answers_again():
            with Wire(client) as wire:
                return served(wire)

        eventually(answers_again, within_s=5)

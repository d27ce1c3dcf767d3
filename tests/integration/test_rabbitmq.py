"""Publishing to a real RabbitMQ, which is killed, blocked and lied to; and a daemon that is killed."""
import re
import threading
import time

import pytest
from authority import Authority
from client import eventually
from postgres import running_postgres
from rabbitmq import EXCHANGE, running_rabbitmq

KEYS = ["services.updated", "service.added", "service.updated", "service.removed", "metrics.{service_name}", "health.check",
        "instance.registered", "instance.updated", "instance.status_changed", "instance.removed", "gap"]
PATIENCE_S = 30


@pytest.fixture(scope="module")
def broker():
    with running_rabbitmq() as running:
        yield running


@pytest.fixture
def queue(broker, request):
    """A durable queue of the test's own, bound to everything."""
    broker.bind(request.node.name)
    yield request.node.name
    with broker.channel() as channel:
        channel.queue_delete(request.node.name)


def events_of(daemon):
    with daemon.client() as client:
        return client.get("/events").json


def caught_up(daemon):
    eventually(lambda: (now := events_of(daemon))["connected"] and now["lag"]["events"] == 0, PATIENCE_S)


def registrations(messages):
    """The ids of their instances, in the order in which each came first."""
    told = {message.id: message.content["instance"]["id"] for message in messages if message.key == "instance.registered"}
    revisions = [int(id_.partition(":")[0]) for id_ in told]
    assert revisions == sorted(revisions), "the order was lost"
    return list(told.values())


def register_many(daemon, names):
    with daemon.client() as client:
        for name in names:
            client.register("billing", name)


def test_each_event_as_described(start, broker, queue):
    daemon = start(environment=broker.environment())
    with daemon.client() as client:
        client.register("billing", "one")
        client.put("/instances/one/maintenance", {"enabled": True, "reason": "new disk"})
        client.delete("/instances/one")
    caught_up(daemon)
    messages = broker.drain(queue)
    from_log = [message for message in messages if not message.key.startswith(("services.", "health."))]
    assert [(message.key, message.id) for message in from_log] == [
        ("service.added", "1:service.added"), ("instance.registered", "1:instance.registered"),
        ("instance.status_changed", "2:instance.status_changed"), ("instance.removed", "3:instance.removed"),
        ("service.removed", "3:service.removed")]
    for message in messages:
        assert message.content["event"] == message.key
        assert isinstance(message.content["timestamp"], int)
        properties = message.properties
        assert properties.delivery_mode == 2
        assert properties.content_type == "application/json"
        assert abs(properties.timestamp - time.time()) < 60
    added, registered, _, _, removed = (message.content for message in from_log)
    assert added["service"]["name"] == "billing"
    assert registered["instance"]["id"] == "one"
    assert registered["cause"]["writer"] == "api"
    assert (removed["service_id"], removed["service_name"]) == ("billing", "billing")


def test_the_latest_of_services_and_health(start, broker, queue):
    daemon = start("--set", "publish.health_interval=200ms", environment=broker.environment())
    register_many(daemon, ["one", "two"])
    taken = []

    def have(key, fits):
        taken.extend(broker.drain(queue))
        return any(message.key == key and fits(message.content) for message in taken)

    eventually(lambda: have("services.updated", lambda content: content["services_count"] == 1), PATIENCE_S)
    eventually(lambda: have("health.check", lambda content: content["service"]["publisher"]["connected"]), PATIENCE_S)
    listed = next(message for message in taken if message.key == "services.updated" and message.content["services"])
    assert listed.content["services"][0]["name"] == "billing"


def test_what_the_daemon_says_of_it(start, broker):
    daemon = start(environment=broker.environment() | {"RABBITMQ_EXCHANGE": "another"})
    caught_up(daemon)
    with daemon.client() as client:
        assert client.get("/events").json == {
            "available_events": KEYS, "exchange": "another", "enabled": True, "connected": True, "active": True,
            "lag": {"events": 0, "seconds": 0}}
        health = client.get("/health").json
        assert health["publisher"] == {"enabled": True, "connected": True, "active": True,
                                       "lag": {"events": 0, "seconds": 0}}
        assert 'rollcall_publisher_connected{publisher="rabbitmq"} 1' in client.get("/metrics").body.decode()
    code, _ = daemon.stop()
    assert code == 0


def test_without_a_broker_nothing_is_published(start):
    daemon = start()
    assert events_of(daemon) == {"available_events": KEYS, "exchange": "", "enabled": False, "connected": False}


def test_a_broker_that_is_killed_under_load(start, broker, queue):
    daemon = start(environment=broker.environment())
    names = [f"i{number}" for number in range(2_000)]
    load = threading.Thread(target=register_many, args=(daemon, names))
    load.start()
    for _ in range(2):
        eventually(lambda: events_of(daemon)["connected"], PATIENCE_S)
        broker("kill")
        eventually(lambda: not events_of(daemon)["connected"], PATIENCE_S)
        broker("up")
    load.join()
    caught_up(daemon)
    assert registrations(broker.drain(queue)) == names
    assert " ERROR " not in daemon.log()


def test_a_broker_that_is_away_costs_nothing_but_time(start, broker, queue):
    broker("kill")
    daemon = start(environment=broker.environment())
    names = [f"i{number}" for number in range(500)]
    register_many(daemon, names)
    lag = events_of(daemon)["lag"]
    assert lag["events"] == 500 and lag["seconds"] > 0
    with daemon.client() as client:
        health = client.get("/health").json
        assert health["status"] == "degraded"
        assert any(warning.startswith("rabbitmq: no connection") for warning in health["warnings"])
    daemon.kill()
    daemon.start()
    broker("up")
    caught_up(daemon)
    assert registrations(broker.drain(queue)) == names


def test_a_broker_that_blocks_holds_nobody_up(start, broker, queue):
    daemon = start(environment=broker.environment())
    caught_up(daemon)
    broker("ctl", "-q", "set_vm_memory_high_watermark", "0")
    try:
        names = [f"i{number}" for number in range(300)]
        with daemon.client() as client:
            slowest = 0.0
            for name in names:
                begin = time.monotonic()
                client.register("billing", name)
                slowest = max(slowest, time.monotonic() - begin)
            assert slowest < 1
            eventually(lambda: any("takes no messages" in warning for warning in
                                   client.get("/health").json.get("warnings", [])), PATIENCE_S)
    finally:
        broker("ctl", "-q", "set_vm_memory_high_watermark", "0.6")
    caught_up(daemon)
    assert registrations(broker.drain(queue)) == names
    with daemon.client() as client:
        assert "warnings" not in client.get("/health").json


def test_a_daemon_that_stops_while_the_broker_blocks(start, broker):
    daemon = start(environment=broker.environment())
    caught_up(daemon)
    broker("ctl", "-q", "set_vm_memory_high_watermark", "0")
    try:
        register_many(daemon, ["one"])
        assert daemon.stop()[0] == 0
    finally:
        broker("ctl", "-q", "set_vm_memory_high_watermark", "0.6")


def test_a_daemon_that_is_killed_loses_nothing(start, broker, queue):
    daemon = start(environment=broker.environment())
    names = []
    for life in range(4):
        mine = [f"life{life}-{number}" for number in range(200)]
        register_many(daemon, mine)
        names += mine
        daemon.kill()
        daemon.start()
    caught_up(daemon)
    assert registrations(broker.drain(queue)) == names


def test_wrong_credentials_are_said_once(start, broker):
    url = f"amqp://guest:open-sesame@127.0.0.1:{broker.port}/"
    daemon = start(environment={"RABBITMQ_URL": url})
    with daemon.client() as client:
        def failures():
            found = re.search(r'publish_failures_total\{publisher="rabbitmq"\} (\d+)', client.get("/metrics").body.decode())
            return int(found[1]) if found else 0

        eventually(lambda: failures() >= 3, PATIENCE_S)
        seen = [client.get(route).body.decode() for route in ("/health", "/events", "/metrics")]
    assert 'refuses the user \\"guest\\" or its password' in seen[0]
    assert daemon.log().count("refuses the user") == 1
    assert "open-sesame" not in "".join(seen) + daemon.log()


def test_a_vhost_that_isnt_there_is_named(start, broker):
    daemon = start(environment={"RABBITMQ_URL": broker.url + "nowhere"})
    with daemon.client() as client:
        eventually(lambda: any("vhost nowhere" in warning for warning in client.get("/health").json.get("warnings", [])),
                   PATIENCE_S)


def test_a_bad_url_is_an_error_without_the_password(start):
    with pytest.raises(AssertionError, match="RABBITMQ_URL") as failed:
        start(environment={"RABBITMQ_URL": "http://me:open-sesame@127.0.0.1"})
    assert "amqp://" in str(failed.value)
    assert "open-sesame" not in str(failed.value)


@pytest.fixture(scope="module")
def tls_broker(authority, tmp_path_factory):
    folder = tmp_path_factory.mktemp("broker")
    cert, key = authority.certify("broker")
    (folder / "server.pem").write_bytes(cert.read_bytes())
    (folder / "server.key").write_bytes(key.read_bytes())
    (folder / "ca.pem").write_bytes(authority.cert.read_bytes())
    with running_rabbitmq(tls=folder) as running:
        yield running


def tls_url(broker, host):
    return {"RABBITMQ_URL": f"amqps://guest:guest@{host}:{broker.port + 1}/"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_over_tls(start, tls_broker, authority, host):
    tls_broker.bind("over-tls")
    daemon = start("--set", f"rabbitmq.ca={authority.cert}", environment=tls_url(tls_broker, host))
    register_many(daemon, ["one"])
    caught_up(daemon)
    assert "one" in registrations(tls_broker.drain("over-tls"))


def test_a_broker_that_nobody_vouches_for_is_told_nothing(start, tls_broker, tmp_path):
    stranger = Authority(tmp_path / "stranger")
    for more in ([], ["--set", f"rabbitmq.ca={stranger.cert}"]):
        daemon = start(*more, environment=tls_url(tls_broker, "127.0.0.1"), name=f"daemon{len(more)}")
        with daemon.client() as client:
            eventually(lambda: any("rabbitmq: no connection" in warning for warning in
                                   client.get("/health").json.get("warnings", [])), PATIENCE_S)
        assert not events_of(daemon)["connected"]


def test_files_for_tls_that_arent_there(start, tmp_path):
    with pytest.raises(AssertionError, match="rabbitmq.ca"):
        start("--set", f"rabbitmq.ca={tmp_path}/none.pem", environment={"RABBITMQ_URL": "amqps://127.0.0.1"})
    with pytest.raises(AssertionError, match="amqps:// alone"):
        start("--set", f"rabbitmq.ca={tmp_path}/none.pem", environment={"RABBITMQ_URL": "amqp://127.0.0.1"})


def test_the_exchange_is_durable(start, broker):
    daemon = start(environment=broker.environment())
    caught_up(daemon)
    exchanges = broker("ctl", "-q", "list_exchanges", "name", "type", "durable").splitlines()
    assert [EXCHANGE, "topic", "true"] in [line.split() for line in exchanges]


def test_of_several_nodes_one_publishes_and_another_follows_it(start, broker, queue):
    with running_postgres() as postgres:
        quick = ("--set", "postgres.silent_session=2s", "--set", "cluster.fence_after=3s")
        nodes = [start("--node", name, *quick, name=name, environment=postgres.environment() | broker.environment())
                 for name in "ab"]

        def publishers():
            return [node for node in nodes if events_of(node)["active"]]

        eventually(lambda: len(publishers()) == 1, PATIENCE_S)
        first = publishers()[0]
        nodes.remove(first)
        names = [f"before{number}" for number in range(200)]
        register_many(first, names)
        first.kill()
        later = [f"after{number}" for number in range(200)]
        register_many(nodes[0], later)
        eventually(publishers, PATIENCE_S)
        caught_up(nodes[0])
        assert registrations(broker.drain(queue)) == names + later

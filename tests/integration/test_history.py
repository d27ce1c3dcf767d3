"""What happened, in order, with its cause."""
import pytest


@pytest.fixture(scope="module")
def written(daemon):
    """Ten events: three registrations, six updates, a removal."""
    with daemon.client() as client:
        for number in range(3):
            client.register("log", f"log-{number}")
        for weight in range(2, 8):
            client.register("log", "log-1", weight=weight)
        client.delete("/instances/log-2")
        client.register("other", "other-1")


def test_newest_first_unless_asked_otherwise(client, written):
    newest = client.get("/history?service=log").json
    oldest = client.get("/history?service=log&order=asc").json
    revisions = [event["revision"] for event in newest["events"]]
    assert len(revisions) == 10
    assert revisions == sorted(revisions, reverse=True)
    assert [event["revision"] for event in oldest["events"]] == revisions[::-1]
    assert all(event["cause"]["writer"] for event in newest["events"])


@pytest.mark.parametrize("order, parameter", [("desc", "before"), ("asc", "after")])
def test_pages_join_without_gap_or_overlap(client, written, order, parameter):
    whole = client.get(f"/history?service=log&order={order}").json["events"]
    pages, query = [], ""
    for _ in range(10):
        page = client.get(f"/history?service=log&order={order}&limit=3{query}").json
        pages += page["events"]
        if "resume" not in page:
            break
        query = f"&{parameter}={page['resume']}"
    assert pages == whole


def test_an_instances_pages_join_as_well(client, written):
    whole = client.get("/instances/log-1/history").json["events"]
    assert len(whole) == 7
    pages, query = [], ""
    for _ in range(10):
        page = client.get(f"/instances/log-1/history?limit=2{query}").json
        pages += page["events"]
        if "resume" not in page:
            break
        query = f"&before={page['resume']}"
    assert pages == whole


def test_a_foreign_revision_is_no_place_to_go_on(client, written):
    foreign = client.get("/instances/other-1").json["revision"]
    answer = client.get(f"/instances/log-1/history?before={foreign}")
    assert (answer.status, answer.json["field"]) == (400, "before")


def test_times_narrow(client, written):
    events = client.get("/history?service=log&order=asc").json["events"]
    assert client.get(f"/history?service=log&since={events[-1]['at'] + 1}").json["events"] == []
    assert client.get(f"/history?service=log&until={events[0]['at'] - 1}").json["events"] == []
    inside = client.get(f"/history?service=log&since={events[0]['at']}&until={events[-1]['at'] + 0.001}").json["events"]
    assert len(inside) == len(events)


def test_the_removed_are_remembered(client, written):
    assert client.get("/instances/log-2").status == 404
    assert [event["kind"] for event in client.get("/instances/log-2/history").json["events"]] == ["removed", "registered"]
    assert client.get("/instances/never-there/history").status == 404

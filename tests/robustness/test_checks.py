"""The checks find what is wrong in histories made for them, and nothing in a good one."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import check_leases  # noqa: E402
import check_reads  # noqa: E402
import checks  # noqa: E402
import faults  # noqa: E402
from story import Event, Story  # noqa: E402

TTL = 2.0


def write(what, op, invoked, *, outcome="ok", revision=0, session="x", id_="i", returned=None, status=None):
    return {"what": what, "client": "o", "node": "a", "life": 1, "same_life": True, "id": id_, "service": "s",
            "session": session, "op": op, "ttl": TTL, "deregister_after": 0, "invoked": invoked,
            "returned": invoked + 0.1 if returned is None else returned, "outcome": outcome, "revision": revision,
            "status": status or {"ok": 200, "refused": 409, "unknown": 503}[outcome]}


def beat(invoked, *, outcome="ok", session="x", status=204, returned=None):
    return {"what": "beat", "client": "o", "node": "b", "id": "i", "session": session, "ttl": TTL, "invoked": invoked,
            "returned": invoked + 0.1 if returned is None else returned, "outcome": outcome, "status": status}


def read(revision, instances, invoked, *, node="a", life=1, status=200, service="s"):
    return {"what": "read_service", "client": "q", "node": node, "life": life, "same_life": True, "service": service,
            "invoked": invoked, "returned": invoked + 0.1, "status": status, "revision": revision,
            "instances": instances, "outcome": "ok" if status == 200 else "refused"}


def follow(events, *, after=0, upto=4, chain=0, **more):
    return {"what": "follow", "client": "w", "service": "s", "node": "a", "chain": chain, "after": after,
            "events": events, "upto": upto, "ended": "closed", **more}


def fault(begin, end, *, hidden=(), **more):
    return {"what": "fault", "kind": "stop", "target": "a", "begin": begin, "end": end, "hidden": list(hidden), **more}


def event(revision, kind, op, at, *, previous=0, writer="api", status="passing", incarnation=1, id_="i"):
    return Event(revision, previous, kind, writer, "", at, id_, "s", op, status, incarnation)


# Registered, changed, heard of until 12.0, and removed by its silence.
LOG = [event(1, "registered", 1, 10.05), event(2, "updated", 2, 11.05, previous=1),
       event(3, "removed", 2, 14.2, previous=2, writer="lease")]
HISTORY = [write("register", 1, 10.0, revision=1), write("update", 2, 11.0, revision=2), beat(11.5), beat(12.0),
           read(1, [["i", 1, "1", "passing"]], 10.5), read(2, [["i", 2, "2", "passing"]], 11.5),
           read(0, [], 14.5, status=404),
           follow([[1, "registered", "i", "1"], [2, "updated", "i", "2"], [3, "removed", "i", "2"]], upto=3)]


def found(history, log=None):
    return checks.judge(Story(history, LOG if log is None else log))


def only(name, wrong):
    """That the checks of this name, and no others, have found something."""
    assert wrong, "nothing was found"
    assert all(one.startswith(name + ": ") for one in wrong), wrong
    return True


def without(*lines):
    return [line for line in HISTORY if line not in lines]


def test_a_good_history_passes():
    assert found(HISTORY) == []


# ---- the log ----

@pytest.mark.parametrize("log", [
    [LOG[1], LOG[0], LOG[2]],
    [LOG[0], LOG[1]._replace(previous=0), LOG[2]],
    [LOG[0], LOG[1]._replace(incarnation=2), LOG[2]],
    [*LOG, event(4, "updated", 2, 15, previous=3)],
    [*LOG, event(4, "registered", 2, 15, previous=3)],
])
def test_an_illegal_log_is_seen(log):
    assert any(one.startswith("log: ") for one in found(HISTORY, log))


# ---- acknowledged writes ----

def test_a_lost_registration_is_seen():
    lost = write("register", 5, 12.0, revision=4, id_="other")
    assert only("acknowledged", found([*HISTORY, lost]))


def test_a_write_whose_revision_went_to_another_is_seen():
    lost = write("update", 5, 12.0, revision=2)
    assert only("acknowledged", found([*HISTORY, lost]))


def test_a_lost_removal_is_seen():
    assert only("acknowledged", found([*HISTORY, write("deregister", 5, 12.05)]))


def test_a_refused_write_that_was_done_is_seen():
    refused = write("update", 2, 11.0, outcome="refused", status=503)
    assert any("was done 1 times" in one for one in found([*without(HISTORY[1]), refused]))


def test_a_write_that_was_done_twice_is_seen():
    log = [*LOG[:2], event(3, "updated", 2, 11.06, previous=2), LOG[2]._replace(revision=4, previous=3)]
    assert any("was done 2 times" in one for one in found(without(*HISTORY[4:]), log))


def test_each_unknown_try_may_be_done_once():
    log = [*LOG[:2], event(3, "updated", 2, 11.06, previous=2), LOG[2]._replace(revision=4, previous=3)]
    assert found([*without(*HISTORY[4:]), write("update", 2, 10.9, outcome="unknown")], log) == []


def test_an_event_that_nobody_asked_for_is_seen():
    log = [*LOG[:2], LOG[2]._replace(writer="api")]
    assert any("nobody asked for" in one for one in found(HISTORY, log))
    assert any("is nobody's" in one for one in found(without(HISTORY[1]), LOG))


# ---- order ----

def test_a_write_before_one_that_was_acknowledged_earlier_is_seen():
    late = [write("register", 3, 9.0, revision=4, id_="j", returned=9.1)]
    log = [*LOG, event(4, "registered", 3, 9.05, id_="j")]
    assert any(one.startswith("order: ") for one in found([*HISTORY, *late], log))


def test_writes_at_the_same_time_have_no_order():
    slow = write("register", 3, 9.0, revision=4, id_="j", returned=15.0, outcome="ok")
    log = [*LOG, event(4, "registered", 3, 14.5, id_="j")]
    assert not any(one.startswith("order: ") for one in found([*HISTORY, slow], log))


# ---- refusals ----

def test_a_refusal_that_was_never_true_is_seen():
    assert only("refusals", found([*HISTORY, write("deregister", 5, 12.05, outcome="refused", status=404)]))
    assert only("refused beats", found([*HISTORY, beat(12.05, outcome="refused", status=409)]))


def test_a_refusal_that_was_true_between_question_and_answer_passes():
    assert found([*HISTORY, write("deregister", 5, 14.15, outcome="refused", status=404)]) == []
    assert found([*HISTORY, write("update", 5, 14.3, outcome="refused", status=409)]) == []


def test_another_session_refuses():
    log = [*LOG[:2], event(3, "registered", 3, 12.25, previous=2, incarnation=2)]
    taken = write("register", 3, 12.2, revision=3, session="y")
    good = [*without(*HISTORY[4:]), taken, beat(12.4, outcome="refused", status=409)]
    assert not any(one.startswith("refused beats") for one in found(good, log))
    bad = [*good, beat(12.4, outcome="refused", status=409, session="y")]
    assert any(one.startswith("refused beats") for one in found(bad, log))


# ---- leases ----

def test_a_removal_within_the_ttl_of_a_heard_beat_is_seen():
    assert only("leases", found([*without(HISTORY[6]), beat(12.5), read(0, [], 14.5, status=404)]))


def test_a_beat_that_came_too_late_is_listed_apart():
    log = [*LOG[:2], LOG[2]._replace(at=14.3)]
    late = [beat(14.05), read(0, [], 14.5, status=404)]
    assert only("late beats", found([*without(HISTORY[6]), *late], log))
    renewed = write("update", 2, 14.05, revision=2)
    assert only("late beats", found([*without(HISTORY[6]), renewed, beat(14.16, returned=14.2), late[1]], log))


def test_a_beat_that_nobody_promised_anything_for_may_be_in_vain():
    assert found([*HISTORY, beat(12.5, outcome="taken", status=202), beat(12.6, outcome="unknown", status=503)]) == []


def test_a_beat_that_was_under_way_while_its_lease_ended_may_be_too_late():
    assert found([*HISTORY, beat(13.9, returned=14.4)]) == []


def test_critical_within_the_ttl_is_seen_too():
    log = [*LOG[:2], event(3, "status_changed", 2, 13.5, previous=2, writer="lease", status="critical"),
           LOG[2]._replace(revision=4, previous=3)]
    assert any(one.startswith("leases") for one in found(without(*HISTORY[4:]), log))


def test_who_stays_too_long_is_seen():
    late = 14.0 + check_leases.LATE_S + 0.5
    log = [*LOG[:2], LOG[2]._replace(at=late)]
    assert only("silence", found(without(HISTORY[6]), log))
    assert only("silence", found([*without(*HISTORY[6:]), read(2, HISTORY[5]["instances"], late)], LOG[:2]))


def test_a_fault_gives_more_time():
    log = [*LOG[:2], LOG[2]._replace(at=14.0 + check_leases.LATE_S + 0.5)]
    assert found([*without(HISTORY[6]), fault(12.5, 13.5)], log) == []
    assert only("silence", found([*without(HISTORY[6]), fault(8.0, 9.0)], log))


# ---- reads ----

@pytest.mark.parametrize("bad", [
    read(2, [["i", 1, "1", "passing"]], 12.0, node="b"),
    read(2, [], 12.0, node="b"),
    read(7, [["i", 7, "9", "passing"]], 12.0, node="b"),
    read(2, HISTORY[5]["instances"], 10.2, node="b"),
])
def test_an_answer_that_was_never_the_truth_is_seen(bad):
    assert only("reads", found([*HISTORY, bad]))


def test_a_node_that_goes_back_is_seen():
    assert only("own node", found([*HISTORY, read(1, HISTORY[4]["instances"], 12.0)]))
    assert only("own node", found([*HISTORY, read(0, [], 12.0, status=404)]))
    other_life = read(1, HISTORY[4]["instances"], 12.0, life=2)
    assert found([*HISTORY, other_life, read(1, HISTORY[4]["instances"], 12.0, node="b")]) == []


def test_a_read_that_is_older_than_it_was_asked_to_be_is_seen():
    old = read(1, HISTORY[4]["instances"], 12.0, node="b")
    assert found([*HISTORY, old, old | {"at_least": 1}]) == []
    assert only("fresh", found([*HISTORY, old | {"consistent": True}]))
    assert only("fresh", found([*HISTORY, old | {"at_least": 2}]))
    assert only("fresh", found([*HISTORY, read(0, [], 12.0, node="b", status=404) | {"at_least": 2}]))


def test_a_write_that_waits_for_long_is_seen_unless_a_fault_hides_the_node():
    slow = write("update", 7, 12.0, outcome="refused", status=503, returned=14.0)
    assert only("answered in time", found([*HISTORY, slow]))
    assert found([*HISTORY, slow, fault(11.0, 13.0, hidden=["a"])]) == []


def test_a_read_without_an_answer_is_seen_unless_a_fault_hides_the_node():
    silent = read(0, [], 12.0, status=0)
    assert only("reads never stop", found([*HISTORY, silent]))
    assert only("reads never stop", found([*HISTORY, silent, fault(11.0, 13.0)]))
    assert found([*HISTORY, silent, fault(11.0, 13.0, hidden=["a"])]) == []
    assert found([*HISTORY, silent, {"what": "stall", "begin": 11.9, "end": 12.5}]) == []


def test_writes_that_stay_away_after_a_promotion_are_seen():
    at = 20.0
    late = [fault(19.0, 21.0, promoted=at), write("register", 8, at + 1, outcome="refused", status=503, id_="j"),
            write("register", 9, at + check_reads.WRITES_WITHIN_S + 1, revision=4, id_="j", session="z")]
    log = [*LOG, event(4, "registered", 9, at + check_reads.WRITES_WITHIN_S + 1.05, id_="j")]
    gone = [*log, event(5, "removed", 9, at + check_reads.WRITES_WITHIN_S + 4, previous=4, writer="lease", id_="j")]
    assert only("failover", found([*HISTORY, *late], gone))


# ---- watches ----

@pytest.mark.parametrize("bad", [
    follow([[1, "registered", "i", "1"], [3, "removed", "i", "2"]], upto=3),
    follow([[1, "registered", "i", "1"], [2, "updated", "i", "2"], [2, "updated", "i", "2"], [3, "removed", "i", "2"]]),
    follow([[2, "updated", "i", "2"], [1, "registered", "i", "1"], [3, "removed", "i", "2"]]),
    follow([[1, "registered", "i", "1"], [2, "updated", "i", "7"], [3, "removed", "i", "2"]]),
    follow([], upto=2),
])
def test_a_follower_who_heard_otherwise_is_seen(bad):
    assert only("watches", found([*without(HISTORY[7]), bad]))


def test_a_follower_goes_on_where_it_was():
    first = follow([[1, "registered", "i", "1"]], upto=1)
    rest = [[2, "updated", "i", "2"], [3, "removed", "i", "2"]]
    assert found([*without(HISTORY[7]), first, follow(rest, after=1)]) == []
    assert only("watches", found([*without(HISTORY[7]), first, follow(rest[1:], after=1)]))


def test_who_is_told_to_start_over_may_miss_something():
    first = follow([[1, "registered", "i", "1"]], upto=1)
    assert found([*without(HISTORY[7]), first, follow([[3, "removed", "i", "2"]], after=2, chain=1)]) == []


# ---- faults ----

def test_a_seed_gives_the_same_faults_and_none_overlap_on_one_target():
    for seed in range(200):
        planned = faults.plan(seed, ["a", "b", "c"], 12)
        assert planned == faults.plan(seed, ["a", "b", "c"], 12)
        assert planned
        for target in ("a", "b", "c", "database"):
            ends = 0.0
            for one in (one for one in planned if one.target == target):
                assert one.start_s >= ends
                ends = one.start_s + one.seconds

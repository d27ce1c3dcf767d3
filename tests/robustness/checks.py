"""All that a round is held against."""
from check_leases import check_late_beats, check_leases, check_silence
from check_reads import (check_answered_in_time, check_failover, check_fresh, check_own_node, check_reads,
                         check_reads_never_stop)
from check_watches import check_watches
from check_writes import check_acknowledged, check_log, check_order, check_refusals, check_refused_beats
from story import Story

CHECKS = (check_log, check_acknowledged, check_order, check_refusals, check_refused_beats, check_leases,
          check_late_beats, check_silence, check_reads, check_own_node, check_fresh,
          check_reads_never_stop, check_answered_in_time, check_failover, check_watches)
SHOWN = 10  # of each kind


def judge(story: Story) -> list[str]:
    wrong = []
    for check in CHECKS:
        found = check(story)
        name = check.__name__.removeprefix("check_").replace("_", " ")
        wrong += [f"{name}: {one}" for one in found[:SHOWN]]
        if len(found) > SHOWN:
            wrong.append(f"{name}: and {len(found) - SHOWN} more")
    return wrong

"""Who follows a service hears each of its events, once, in order, until told to start over."""
import collections

from story import Story


def check_watches(story: Story) -> list[str]:
    chains = collections.defaultdict(list)
    for segment in story.follows:
        chains[(segment["client"], segment["chain"])].append(segment)
    wrong = []
    for (client, chain), segments in chains.items():
        wrong += check_chain(story, f"{client}, chain {chain}", segments)
    return wrong


def check_chain(story: Story, name: str, segments: list[dict]) -> list[str]:
    if any(segment.get("coalesced") for segment in segments):
        return []  # it was told that events were left out
    begins = [segment["after"] for segment in segments if segment["after"] is not None]
    if not begins:
        return []
    heard = [event for segment in segments for event in segment["events"]]
    upto = max([segments[-1]["upto"] or 0, *[event[0] for event in heard]])
    truth = [[event.revision, event.kind, event.id, str(event.op)]
             for event in story.of_service[segments[0]["service"]] if begins[0] < event.revision <= upto]
    return [] if heard == truth else [f"{name}: {difference(heard, truth)}"]


def difference(heard: list[list], truth: list[list]) -> str:
    revisions = [event[0] for event in heard]
    if repeated := sorted({revision for revision in revisions if revisions.count(revision) > 1}):
        return f"heard revisions {repeated[:5]} more than once"
    if missed := [event for event in truth if event[0] not in revisions]:
        return f"never heard {missed[:5]}"
    if invented := [event for event in heard if event not in truth]:
        return f"heard {invented[:5]}, which the log doesn't have"
    return "heard the events in another order"

#!/usr/bin/python3
"""JUnit reports of ctest, pytest and ./test's own checks, summed up into ./test's last lines.

    test_report.py record FILE NAME STATUS BEGIN END          writes the report of one check
    test_report.py summary FOLDER --timings STAGE=SECONDS... [--failed STAGE...]

Reports are called STAGE.WHAT.xml. A stage that ended badly without a failed test in a report, or has no report at all,
counts as one failure: silence is no success.
"""
import argparse
import collections
import pathlib
import re
import sys
import xml.etree.ElementTree as ET
from typing import NamedTuple


class Case(NamedTuple):
    name: str
    outcome: str  # passed, failed, skipped
    reason: str = ""


def read_skipped(name: str, case: ET.Element, message: str) -> Case:
    """A GoogleTest that skips says so in its output, and then still ends well. ctest also calls "skipped" what it couldn't
    start (a program that is missing), and what said so and then crashed: both are failures."""
    output = case.findtext("system-out") or ""
    if case.get("status") == "notrun" and "[  PASSED  ]" not in output:
        return Case(name, "failed", message)
    said = re.search(r"^\S+:\d+: Skipped\n(.+)", output, re.MULTILINE)
    reason = said[1].strip() if said else message.removeprefix("SKIP_REGULAR_EXPRESSION_MATCHED")
    return Case(name, "skipped", reason or "no reason given")


def read_case(case: ET.Element) -> Case:
    name = case.get("name", "?")
    if (owner := case.get("classname")) and owner != name:
        name = f"{owner}.{name}"
    if any(case.find(tag) is not None for tag in ("failure", "error")) or case.get("status") == "fail":
        return Case(name, "failed")
    skipped = case.find("skipped")
    if skipped is not None:
        return read_skipped(name, case, skipped.get("message") or "")
    if case.get("status") == "disabled":
        return Case(name, "skipped", "disabled")
    return Case(name, "passed" if case.get("status") in (None, "run") else "failed")


def read_stage(folder: pathlib.Path, stage: str, ended_badly: bool) -> list[Case]:
    cases, broken = [], []
    reports = sorted(folder.glob(f"{stage}.*.xml"))
    for report in reports:
        try:
            cases += [read_case(case) for case in ET.parse(report).iter("testcase")]
        except ET.ParseError as error:
            broken.append(Case(f"{report.name}: {error}", "failed"))
    cases += broken
    if not cases:
        cases.append(Case(f"{stage}: no test has reported", "failed"))
    elif ended_badly and all(case.outcome != "failed" for case in cases):
        cases.append(Case(f"{stage}: ended with an error; see {stage}.log", "failed"))
    return cases


def summary(folder: pathlib.Path, timings: list[str], failed: list[str]) -> int:
    total = collections.Counter()
    details = []
    print(f"\n{'stage':<14}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for timing in timings:
        stage, seconds = timing.split("=")
        cases = read_stage(folder, stage, stage in failed)
        counts = collections.Counter(case.outcome for case in cases)
        total += counts
        print(f"{stage:<14}{counts['passed']:>8}{counts['failed']:>8}{counts['skipped']:>9}{seconds:>9}")
        details += [(stage, case) for case in cases if case.outcome != "passed"]
    for outcome in ("skipped", "failed"):
        chosen = [(stage, case) for stage, case in details if case.outcome == outcome]
        if chosen:
            print(f"\n{outcome}:")
            for stage, case in chosen:
                print(f"  {stage}: {case.name}{': ' + case.reason if case.reason else ''}")
    print(f"\n{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] or not total["passed"] else 0


def record(file: pathlib.Path, name: str, status: int, begin: float, end: float) -> int:
    suite = ET.Element("testsuite", name=file.stem)
    case = ET.SubElement(suite, "testcase", name=name, time=f"{end - begin:.3f}")
    if status:
        ET.SubElement(case, "failure", message=f"exit code {status}")
    ET.ElementTree(suite).write(file, encoding="utf-8")
    return 0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("record")
    one.add_argument("file", type=pathlib.Path)
    one.add_argument("name")
    one.add_argument("status", type=int)
    one.add_argument("begin", type=float)
    one.add_argument("end", type=float)
    every = verbs.add_parser("summary")
    every.add_argument("folder", type=pathlib.Path)
    every.add_argument("--timings", nargs="+", required=True)
    every.add_argument("--failed", nargs="*", default=[])
    options = parser.parse_args(arguments)
    if options.verb == "record":
        return record(options.file, options.name, options.status, options.begin, options.end)
    return summary(options.folder, options.timings, options.failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

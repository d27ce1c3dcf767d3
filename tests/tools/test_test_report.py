"""./test's last line is true: what failed, was missing or fell silent counts as a failure."""
import pathlib
import subprocess
import sys

import pytest

REPORT = pathlib.Path(__file__).resolve().parents[2] / "tools" / "test_report.py"

PASSED = '<testcase name="a:S.Ok" classname="a:S.Ok" status="run"><system-out>[  PASSED  ] 1 test.</system-out></testcase>'
FAILED = '<testcase name="a:S.Bad" classname="a:S.Bad" status="fail"><failure message=""/></testcase>'
SKIPPED = """<testcase name="a:S.Skip" classname="a:S.Skip" status="notrun">
<skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/><system-out>[ RUN      ] S.Skip
/a.cpp:5: Skipped
needs root
[  SKIPPED ] S.Skip (0 ms)
[  PASSED  ] 0 tests.
</system-out></testcase>"""
SKIPPED_THEN_CRASHED = SKIPPED.replace("[  PASSED  ] 0 tests.", "ERROR: AddressSanitizer")
MISSING = """<testcase name="b_NOT_BUILT" classname="b_NOT_BUILT" status="notrun">
<skipped message="Unable to find executable"/><system-out>Unable to find executable: b</system-out></testcase>"""
PYTEST = """<testcase classname="tests.x" name="test_ok"/>
<testcase classname="tests.x" name="test_skip"><skipped message="no browser"/></testcase>
<testcase classname="tests.x" name="test_broken"><error message="fixture"/></testcase>"""


@pytest.fixture
def summary(tmp_path):
    def run(reports: dict[str, str], stages: list[str], failed: list[str] = ()):
        for name, cases in reports.items():
            (tmp_path / name).write_text(f"<testsuite>{cases}</testsuite>", encoding="utf-8")
        command = [sys.executable, REPORT, "summary", tmp_path, "--timings", *(f"{stage}=1" for stage in stages)]
        if failed:
            command += ["--failed", *failed]
        result = subprocess.run(command, capture_output=True, text=True, timeout=30)
        return result.returncode, result.stdout.rstrip("\n").split("\n")

    return run


@pytest.mark.parametrize(
    ("cases", "line", "code"),
    [
        (PASSED, "1 passed, 0 failed, 0 skipped", 0),
        (PASSED + FAILED, "1 passed, 1 failed, 0 skipped", 1),
        (PASSED + SKIPPED, "1 passed, 0 failed, 1 skipped", 0),
        (PASSED + SKIPPED_THEN_CRASHED, "1 passed, 1 failed, 0 skipped", 1),
        (PASSED + MISSING, "1 passed, 1 failed, 0 skipped", 1),
        (PYTEST, "1 passed, 1 failed, 1 skipped", 1),
    ],
)
def test_each_outcome_counts_as_what_it_is(summary, cases, line, code):
    assert summary({"suite.ctest.xml": cases}, ["suite"])[1][-1] == line
    assert summary({"suite.ctest.xml": cases}, ["suite"])[0] == code


def test_several_reports_add_up(summary):
    code, lines = summary({"suite.ctest.xml": PASSED, "integration.pytest.xml": PASSED + SKIPPED}, ["suite", "integration"])

    assert (code, lines[-1]) == (0, "2 passed, 0 failed, 1 skipped")


def test_the_reason_of_a_skip_is_told(summary):
    _, lines = summary({"suite.ctest.xml": SKIPPED}, ["suite"])

    assert "  suite: a:S.Skip: needs root" in lines


def test_a_stage_without_a_report_has_failed(summary):
    code, lines = summary({"suite.ctest.xml": PASSED}, ["suite", "integration"])

    assert (code, lines[-1]) == (1, "1 passed, 1 failed, 0 skipped")


def test_a_stage_that_ended_badly_has_failed_whatever_its_report_says(summary):
    code, lines = summary({"suite.ctest.xml": PASSED}, ["suite"], failed=["suite"])

    assert (code, lines[-1]) == (1, "1 passed, 1 failed, 0 skipped")

"""A few short rounds, as ./test runs them: seeds that have found something once, or are plain, and a fresh one."""
import os
import pathlib
import random
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
SKIPPED = 77
ROUND_S = 240
SEEDS = [1, 2, 3, 4, random.SystemRandom().randrange(1000, 10**6)]


@pytest.mark.parametrize("seed", SEEDS)
def test_round(seed):
    binary = os.environ.get("ROLLCALL_BIN", str(ROOT / "build/release/bin/rollcall"))
    done = subprocess.run([sys.executable, HERE / "run.py", "--seed", str(seed), "--seconds", "8", "--binary", binary],
                          capture_output=True, text=True, timeout=ROUND_S, check=False)
    if done.returncode == SKIPPED:
        pytest.skip(done.stdout.strip().removeprefix("skipped: "))
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]

#!/usr/bin/python3
"""The same seed repeats exactly in another process, wherever its memory lies and whatever was in it before.

    tests/sim/repeat_test.py PATH/TO/rollcall_sim [SEED ...]

One test process can't show this: whatever takes its order from addresses repeats often enough within one.
"""
import difflib
import itertools
import os
import re
import subprocess
import sys

# Five of the first gave two histories each while watchers were woken in the order of their addresses.
SEEDS = [6, 15, 23, 33, 35, 201, 202, 203]
NODES = [1, 3]
STEPS = 1500
# Each moves memory, or fills it, in another way; the system's own shuffling of addresses comes on top.
SURROUNDINGS = [{}, {"MALLOC_PERTURB_": "165", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"},
                {"MALLOC_PERTURB_": "90", "GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=4096"}]


def trace_of(simulation, seed, nodes, surroundings):
    done = subprocess.run([simulation, "--seed", str(seed), "--steps", str(STEPS), "--nodes", str(nodes), "--trace"],
                          timeout=60, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env=os.environ | surroundings)
    text = done.stdout.decode()
    if len(text.splitlines()) < STEPS / 2:
        sys.exit(f"seed {seed}, {nodes} nodes: hardly a trace (exit status {done.returncode}):\n{text}")
    # How long it took by a real clock.
    return re.sub(r"(of virtual time in|\d after) [\d.]+ s", r"\1", text).splitlines()


def main():
    simulation, *seeds = sys.argv[1:]
    differing = 0
    for seed, nodes in itertools.product(map(int, seeds or SEEDS), NODES):
        first, *others = (trace_of(simulation, seed, nodes, surroundings) for surroundings in SURROUNDINGS)
        for other in others:
            if other == first:
                continue
            differing += 1
            print(f"seed {seed} with {nodes} nodes gave two histories:")
            print("\n".join(itertools.islice(difflib.unified_diff(first, other, lineterm="", n=6), 40)))
            break
    if differing:
        sys.exit(1)
    print(f"{len(seeds or SEEDS)} seeds, each with {NODES} nodes, repeated in {len(SURROUNDINGS)} processes each")


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Reports source files over 400 lines, which should be divided soon; one over 600 fails."""
import pathlib
import sys

NOTICE, LIMIT = 400, 600


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    lengths = []
    for folder in ("src", "tests", "bench", "tools"):
        for path in (root / folder).rglob("*"):
            if path.suffix in {".cpp", ".hpp", ".py", ".sh"}:
                lengths.append((len(path.read_bytes().splitlines()), path.relative_to(root)))
    for lines, path in sorted(lengths, reverse=True):
        if lines > NOTICE:
            print(f"{lines:5} {path}{'  over the limit of ' + str(LIMIT) if lines > LIMIT else ''}")
    print(f"{len(lengths)} files, {sum(lines for lines, _ in lengths)} lines")
    return 1 if any(lines > LIMIT for lines, _ in lengths) else 0


if __name__ == "__main__":
    sys.exit(main())

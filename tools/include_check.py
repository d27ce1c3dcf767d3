#!/usr/bin/python3
"""Who may include whom: lower never includes higher, siblings never look across, an engine knows its contract alone.

    tools/include_check.py [SRC]    SRC is this tree's src/ if left out

Prints one line for each offence and ends with 1 if there was any. Part of every build. A folder that is new needs a row
in MAY_INCLUDE; that is the moment to think about where it belongs (docs/architecture.md).
"""
import pathlib
import re
import sys
from typing import Iterator, NamedTuple

CONTRACTS = ("store", "discovery", "publish")
ENGINES = ("store/archive", "store/memory", "store/sqlite", "store/postgres", "discovery/probe", "discovery/check", "discovery/docker",
           "publish/rabbitmq", "publish/webhook")

# Which folders the files of a folder may include besides their own. A folder that has a row of its own (an engine) isn't
# meant by its parent's name.
MAY_INCLUDE: dict[str, tuple[str, ...]] = {
    "base": (),
    "model": ("base",),
    "codec": ("model", "base"),
    "store": ("model", "base"),
    "discovery": ("model", "base"),
    "metrics": ("model", "base"),
    "catalog": ("store", "model", "base"),
    "registry": ("catalog", "store", "model", "base"),
    "http": ("base",),
    "http/h1": ("http", "base"),
    "http/h2": ("http", "base"),
    # Of http/ it uses what every protocol's connections share: the table of deadlines, the inlet.
    "socket": ("codec", "model", "http", "base"),
    "net": ("http", "http/h1", "base"),
    "store/archive": ("store", "model", "base"),
    "store/memory": ("store", "model", "base"),
    "store/sqlite": ("store", "model", "base"),
    "store/postgres": ("store", "model", "base"),
    "discovery/probe": ("discovery", "model", "base", "net"),
    "discovery/check": ("discovery", "model", "base", "net"),
    "discovery/docker": ("discovery", "model", "base", "net"),
    "publish": ("codec", "store", "model", "base"),
    "publish/rabbitmq": ("publish", "base"),
    "publish/webhook": ("publish", "net", "base"),
    "api": ("socket", "registry", "catalog", "store", "codec", "http", "metrics", "discovery", "model", "base"),
    "server": ("api", "socket", "registry", "catalog", "codec", "http", "http/h1", "http/h2", "net", "metrics", "model", "base")
    + CONTRACTS
    + ENGINES,
    # Which engine, and how to ask it, is the same for who reads from it and who changes it.
    "autoscale": ("discovery/docker", "net", "model", "base"),
    "agent": ("discovery/docker", "discovery", "net", "model", "base"),
    "cli": ("server", "agent", "autoscale", "net", "http", "codec", "model", "base"),
}

# Libraries that are one folder's business: <prefix...> may be included there and nowhere else.
ONLY_IN: dict[str, tuple[str, ...]] = {
    "boost/json": ("codec", "discovery/probe", "discovery/docker", "autoscale", "cli"),
    "sqlite3.h": ("store/sqlite",),
    "libpq-fe.h": ("store/postgres",),
    "nghttp2/": ("http/h2",),
    "zlib.h": ("http",),
    "dcmtk/": ("discovery/probe",),
    "amqp": ("publish/rabbitmq",),
    "openssl/": ("net", "store/archive", "publish/rabbitmq", "publish/webhook"),
    "prometheus/": ("metrics",),
    "toml++/": ("server",),
    "CLI/": ("cli",),
}

# Folders that decide and never act: no sockets, no timers, no coroutines of Asio's.
NO_ASIO = ("base", "model", "codec", "store", "store/memory", "store/archive", "catalog", "registry", "metrics", "publish",
           "publish/rabbitmq")
ASIO = ("boost/asio", "boost/beast")

# Time and chance are injected; each has one implementation that asks the system.
SYSTEM_CALLS = (
    (re.compile(r"\b(?:system|steady|high_resolution|utc)_clock\s*::\s*now\b"), "base/clock.cpp", "take a Clock"),
    (re.compile(r"(?<![\w.>])(?:std\s*::\s*|::\s*)?time\s*\(\s*(?:nullptr|NULL|0)\s*\)"), "base/clock.cpp", "take a Clock"),
    (re.compile(r"\b(?:clock_gettime|gettimeofday)\s*\("), "base/clock.cpp", "take a Clock"),
    (re.compile(r"\brandom_device\b"), "base/random.cpp", "take a Random"),
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SUFFIXES = {".cpp", ".hpp", ".h", ".cc", ".ipp"}


class Offence(NamedTuple):
    path: pathlib.PurePath
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def folder_of(path: pathlib.PurePath) -> str | None:
    """The row that a path below src/ falls under: the deepest one that is a prefix."""
    for parent in path.parents:
        if parent.as_posix() in MAY_INCLUDE:
            return parent.as_posix()
    return None


def is_test(path: pathlib.PurePath) -> bool:
    """Tests put real parts together and may name any of them."""
    return path.stem.endswith(("_test", "_bench")) or path.stem.startswith("test_")


def check_quoted(src: pathlib.Path, folder: str, included: str) -> str | None:
    target = pathlib.PurePath(included)
    generated = src / f"{included}.in"
    if not (src / target).is_file() and not generated.is_file():
        return f'"{included}" isn\'t a file below src/: write includes from there, and libraries in <>'
    other = folder_of(target)
    if other == folder or other in MAY_INCLUDE[folder]:
        return None
    return f'{folder}/ may not include {other}/ ("{included}"); it may include {", ".join(MAY_INCLUDE[folder]) or "nothing"}'


def check_angled(src: pathlib.Path, folder: str, included: str) -> str | None:
    if (src / included).is_file():
        return f"<{included}> is ours: write it in quotes"
    if included.startswith(ASIO) and folder in NO_ASIO:
        return f"{folder}/ may not include <{included}>: it decides and never acts; take an Executor"
    for prefix, folders in ONLY_IN.items():
        if included.startswith(prefix) and folder not in folders:
            return f"<{included}> may be included in {', '.join(folders)} alone, not in {folder}/"
    return None


def check_file(src: pathlib.Path, path: pathlib.PurePath) -> Iterator[Offence]:
    folder = folder_of(path)
    if folder is None:
        yield Offence(path, 1, "its folder has no row in tools/include_check.py")
        return
    for number, line in enumerate((src / path).read_text(encoding="utf-8").splitlines(), 1):
        if match := INCLUDE.match(line):
            check = check_quoted if match[1] == '"' else check_angled
            if text := check(src, folder, match[2]):
                yield Offence(path, number, text)
            continue
        code = line.split("//", 1)[0]
        for pattern, home, advice in SYSTEM_CALLS:
            if path.as_posix() != home and pattern.search(code):
                yield Offence(path, number, f"only {home} asks the system for this: {advice}")


def check_tree(src: pathlib.Path) -> list[Offence]:
    paths = sorted(p.relative_to(src) for p in src.rglob("*") if p.suffix in SUFFIXES and p.is_file())
    return [offence for path in paths if not is_test(path) for offence in check_file(src, path)]


def main(arguments: list[str]) -> int:
    here = pathlib.Path(__file__).resolve().parent.parent / "src"
    src = pathlib.Path(arguments[0]) if arguments else here
    if not src.is_dir():
        print(f"{src} is no folder", file=sys.stderr)
        return 2
    offences = check_tree(src)
    for offence in offences:
        print(f"{src.name}/{offence}")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

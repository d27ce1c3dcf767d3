"""The include check finds what it forbids, and lets pass what is allowed."""
import pathlib
import subprocess
import sys

import pytest

CHECK = pathlib.Path(__file__).resolve().parents[2] / "tools" / "include_check.py"


@pytest.fixture
def tree(tmp_path):
    """A tree with one header in each folder that the cases below include."""

    class Tree:
        src = tmp_path / "src"

        def write(self, path: str, text: str = "#pragma once\n") -> None:
            file = self.src / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

        def check(self) -> subprocess.CompletedProcess:
            return subprocess.run([sys.executable, CHECK, self.src], capture_output=True, text=True, timeout=30)

    made = Tree()
    for header in (
        "base/error.hpp",
        "model/instance.hpp",
        "store/store.hpp",
        "store/sqlite/sqlite_store.hpp",
        "store/memory/memory_store.hpp",
        "catalog/catalog.hpp",
        "registry/registry.hpp",
        "codec/json.hpp",
        "net/http_client.hpp",
        "discovery/provider.hpp",
        "server/daemon.hpp",
    ):
        made.write(header)
    return made


def test_a_tree_that_keeps_the_rules_passes_in_silence(tree):
    tree.write("registry/rules.cpp", '#include "catalog/catalog.hpp"\n#include "store/store.hpp"\n#include <vector>\n')
    tree.write("store/sqlite/file.cpp", '#include "store/store.hpp"\n#include <sqlite3.h>\n')
    tree.write("discovery/probe/sweep.cpp", '#include "net/http_client.hpp"\n#include <dcmtk/dcmnet/scu.h>\n')
    tree.write("server/compose.cpp", '#include "store/sqlite/sqlite_store.hpp"\n#include "registry/registry.hpp"\n')

    result = tree.check()

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("path", "line", "why"),
    [
        ("model/x.cpp", '#include "store/store.hpp"', "model/ may not include store/"),  # lower includes higher
        ("catalog/x.cpp", '#include "codec/json.hpp"', "catalog/ may not include codec/"),  # siblings
        ("store/sqlite/x.cpp", '#include "store/memory/memory_store.hpp"', "store/sqlite/ may not include store/memory/"),
        ("registry/x.cpp", '#include "store/memory/memory_store.hpp"', "registry/ may not include store/memory/"),
        ("store/x.cpp", '#include "store/sqlite/sqlite_store.hpp"', "store/ may not include store/sqlite/"),
        ("discovery/probe/x.cpp", '#include "registry/registry.hpp"', "discovery/probe/ may not include registry/"),
        ("api/x.cpp", '#include "server/daemon.hpp"', "api/ may not include server/"),
        ("api/x.cpp", "#include <boost/json.hpp>", "in codec, discovery/probe,"),
        ("api/x.cpp", " #  include <sqlite3.h>", "in store/sqlite alone"),
        ("net/x.cpp", "#include <dcmtk/dcmnet/scu.h>", "in discovery/probe alone"),
        ("registry/x.cpp", "#include <boost/asio/post.hpp>", "take an Executor"),
        ("registry/x.cpp", "auto now = std::chrono::steady_clock::now();", "take a Clock"),
        ("catalog/x.cpp", "auto now = ::time(nullptr);", "take a Clock"),
        ("registry/x.cpp", "std::random_device seed;", "take a Random"),
        ("model/x.cpp", '#include "../base/error.hpp"', "isn't a file below src/"),
        ("model/x.cpp", "#include <base/error.hpp>", "write it in quotes"),
        ("elsewhere/x.cpp", "", "has no row"),
    ],
)
def test_an_offence_is_named_with_its_place(tree, path, line, why):
    tree.write(path, f"// first line\n{line}\n")

    result = tree.check()

    assert result.returncode == 1
    assert f"src/{path}:" in result.stdout
    assert why in result.stdout


def test_tests_may_put_any_parts_together(tree):
    tree.write("registry/registry_test.cpp", '#include "store/memory/memory_store.hpp"\n')

    assert tree.check().returncode == 0


def test_a_generated_header_is_known_by_its_template(tree):
    tree.write("server/version.hpp.in")
    tree.write("cli/main.cpp", '#include "server/version.hpp"\n')
    tree.write("api/self.cpp", '#include "server/version.hpp"\n')

    result = tree.check()

    assert result.stdout.count("\n") == 1 and "api/ may not include server/" in result.stdout


def test_words_in_comments_are_no_calls(tree):
    tree.write("registry/x.cpp", "// unlike steady_clock::now(), a Clock can be moved\nint runtime(int);\nint x = runtime(0);\n")

    assert tree.check().returncode == 0


def test_this_tree_keeps_the_rules():
    result = subprocess.run([sys.executable, CHECK], capture_output=True, text=True, timeout=30)

    assert result.stdout == ""
    assert result.returncode == 0

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from authority import Authority, use  # noqa: E402
from client import Client  # noqa: E402
from daemon import Daemon  # noqa: E402

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    """One daemon a file of tests. It stops cleanly, and had nothing to complain about."""
    running = Daemon(tmp_path_factory.mktemp("rollcall"))
    yield running
    code, _ = running.stop()
    assert code == 0
    assert " ERROR " not in running.log()


@pytest.fixture
def client(daemon):
    with daemon.client() as connected:
        yield connected


@pytest.fixture
def start(tmp_path):
    """Starts daemons with arguments of their own."""
    started = []

    def start_one(*arguments, name="rollcall", **more):
        started.append(Daemon(tmp_path / name, *arguments, **more))
        return started[-1]

    yield start_one
    for one in started:
        one.kill()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture
def served(authority, start, tmp_path):
    """Starts daemons over HTTPS whose files are in `tmp_path`."""
    use(tmp_path, *authority.certify("one"))

    def start_one(*arguments, **more):
        return start("--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem", *arguments, **more)

    return start_one


def pytest_collection_modifyitems(items):
    """What looks at all that was asked comes last, and only where all was asked."""
    files = {item.path for item in items if item.path.parent == HERE}
    complete = files >= set(HERE.glob("test_*.py"))
    last = [item for item in items if "last" in item.keywords]
    items[:] = [item for item in items if item not in last] + last
    if not complete:
        for item in last:
            item.add_marker(pytest.mark.skip(reason="only some of the tests run"))


def pytest_configure(config):
    config.addinivalue_line("markers", "last: runs after all others")

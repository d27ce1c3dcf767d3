"""How the container image starts it: packaging/image/Dockerfile's environment."""
import re

from daemon import ROOT

TOKENS = {"ROLLCALL_ACCESS_TOKENS": "write:0123456789abcdef"}
# The image's, but for the ports, which are picked.
IMAGE = {"HOST": "0.0.0.0", "PORT": "0", "ROLLCALL_LISTEN_SOCKET": "0.0.0.0:0"}


def test_beyond_loopback_without_tokens_it_warns(start):
    daemon = start(environment=IMAGE)
    assert daemon.address.startswith("0.0.0.0:") and daemon.socket_address.startswith("0.0.0.0:")
    warnings = [line for line in daemon.log().splitlines() if " WARNING " in line]
    for warning, address in zip(warnings, (daemon.address, daemon.socket_address), strict=True):
        assert f"listening beyond loopback on {address}: everyone who reaches it may read and write" in warning


def test_with_tokens_it_does_not(start):
    daemon = start(environment=IMAGE | TOKENS)
    assert " WARNING " not in daemon.log()
    assert f"listening on {daemon.address}: asking for one of 1 tokens" in daemon.log()
    assert f"listening on {daemon.socket_address}: asking for a token, but not on loopback" in daemon.log()


def test_on_loopback_it_does_not(start):
    assert " WARNING " not in start(environment=IMAGE | {"HOST": "127.0.0.1", "ROLLCALL_LISTEN_SOCKET": "off"}).log()


def test_the_image_s_environment_is_understood():
    text = (ROOT / "packaging/image/Dockerfile").read_text()
    assert set(re.findall(r"^(?:ENV)? +([A-Z_]+=\S+)", text, re.M)) >= {
        "HOST=0.0.0.0", "ROLLCALL_LISTEN_SOCKET=0.0.0.0:65432", "ROLLCALL_DATA_DIR=/var/lib/rollcall"}
    assert re.search(r"^HEALTHCHECK .*health", text, re.M)

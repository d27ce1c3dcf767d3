"""How the container image starts it: packaging/Dockerfile's environment."""
import re

from daemon import ROOT

BEYOND = "listening beyond loopback on 0.0.0.0:"
TOKENS = {"ROLLCALL_ACCESS_TOKENS": "write:0123456789abcdef"}
IMAGE = {"ROLLCALL_LISTEN_SOCKET": "0.0.0.0:0"}


def test_beyond_loopback_without_tokens_it_warns(start):
    daemon = start("--set", "listen.http=0.0.0.0:0", environment=IMAGE)
    warnings = [line for line in daemon.log().splitlines() if " WARNING " in line]
    assert [BEYOND in line for line in warnings] == [True, True], "HTTP and the socket protocol"


def test_with_tokens_it_does_not(start):
    daemon = start("--set", "listen.http=0.0.0.0:0", environment=IMAGE | TOKENS)
    assert BEYOND not in daemon.log()
    assert "asking for" in daemon.log()


def test_the_image_s_environment_is_understood():
    text = (ROOT / "packaging/Dockerfile").read_text()
    assert {"HOST", "ROLLCALL_LISTEN_SOCKET", "ROLLCALL_DATA_DIR"} <= set(re.findall(r"^(?:ENV)? +([A-Z_]+)=", text, re.M))
    assert re.search(r"^USER rollcall$", text, re.M) and re.search(r"^HEALTHCHECK .*health", text, re.M)

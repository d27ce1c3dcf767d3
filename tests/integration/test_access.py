"""Tokens: who may ask for what."""
import base64
import os
import subprocess

import pytest
from daemon import binary

READS, WRITES = "reads-0123456789", "writes-0123456789"
INSTANCE = "/services/guarded/instances/guarded-1"


@pytest.fixture(params=["environment", "file"])
def guarded(request, start, tmp_path):
    tokens = f"read:{READS}\nwrite:{WRITES}  # the billing service\n"
    if request.param == "environment":
        return start(environment={"ROLLCALL_ACCESS_TOKENS": f"read:{READS},write:{WRITES}"})
    file = tmp_path / "tokens"
    file.write_text(tokens)
    file.chmod(0o600)
    return start("--set", f"access.tokens_file={file}")


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


def test_every_route_but_health_asks_for_a_token(guarded):
    with guarded.client() as client:
        for target in ("/", "/services", "/services/guarded", "/servers.json", "/metrics", "/version", "/nowhere",
                       "/dashboard.html", "/openapi.yaml"):
            refused = client.get(target, described=False)
            assert refused.status == 401, target
            assert "Bearer" in refused.headers["WWW-Authenticate"]
        assert client.get("/health").status == 200
        assert client.put(INSTANCE, {"ttl": 30}, described=False).status == 401
        assert client.get("/services", headers=bearer("nobody-0123456789"), described=False).status == 401


def test_a_role_may_do_what_it_is_for(guarded):
    with guarded.client() as client:
        assert client.put(INSTANCE, {"ttl": 30}, headers=bearer(READS), described=False).status == 403
        assert client.put(INSTANCE, {"ttl": 30}, headers=bearer(WRITES)).status == 201
        assert client.put("/instances/guarded-1/heartbeat", headers=bearer(WRITES)).status == 204
        assert client.get("/services/guarded", headers=bearer(READS)).status == 200
        password = base64.b64encode(f"anyone:{READS}".encode()).decode()
        assert client.get("/services/guarded", headers={"Authorization": f"Basic {password}"}).status == 200


def test_secrets_stay_out_of_the_log(guarded):
    with guarded.client() as client:
        client.get("/services", headers=bearer(WRITES))
        client.get("/services", headers=bearer("guess-0123456789"), described=False)
    log = guarded.log()
    assert "asking for one of 2 tokens" in log
    assert READS not in log and WRITES not in log and "guess" not in log


def refusal(*arguments, **environment):
    ended = subprocess.run([binary(), "serve", "--http", "127.0.0.1:0", "--set", "store=memory", *arguments],
                           capture_output=True, text=True, timeout=20, check=False, env=os.environ | environment)
    assert ended.returncode == 2
    return ended.stderr


def test_a_secret_isnt_taken_from_the_command_line():
    assert "not for the command line" in refusal("--set", f"access.tokens=write:{WRITES}")


def test_tokens_that_dont_read_stop_the_start_without_being_shown(tmp_path):
    error = refusal(ROLLCALL_ACCESS_TOKENS="write:short-secret")
    assert "ROLLCALL_ACCESS_TOKENS" in error and "short-secret" not in error
    open_file = tmp_path / "tokens"
    open_file.write_text(f"write:{WRITES}\n")
    open_file.chmod(0o644)
    assert "others can't read" in refusal("--set", f"access.tokens_file={open_file}")
    assert "access.tokens_file" in refusal("--set", f"access.tokens_file={tmp_path / 'missing'}")

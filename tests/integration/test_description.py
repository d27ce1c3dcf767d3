"""The description and the daemon say the same."""
import pytest

from client import DESCRIPTION


def test_the_daemon_hands_out_its_description(client):
    answer = client.get("/openapi.yaml")
    assert answer.body.startswith(b"openapi: 3.1.0")


def test_each_operation_says_what_it_is_for():
    for path in DESCRIPTION.document["paths"].values():
        for operation in (value for key, value in path.items() if key != "parameters"):
            assert operation["operationId"] and operation["summary"] and operation["responses"]


@pytest.mark.last
def test_every_operation_was_asked_for():
    assert DESCRIPTION.operations() - DESCRIPTION.asked == set()

"""Errors that are retriable, by the responses of real API servers."""

import json

import pytest

from rackwatt_operator.kube.errors import from_response

ETCD = "etcdserver: request is too large"
SERVER = "Request entity too large: limit is 3145728"


@pytest.mark.parametrize(
    ("status", "message", "too_large", "passing"),
    [
        (500, ETCD, True, False),
        (413, SERVER, True, False),
        (500, "rpc error: code = InvalidArgument desc = etcdserver: request is too large", True, False),
        (500, "etcdserver: request timed out", False, True),
        (503, "the server is currently unable to handle the request", False, True),
        (422, "ConfigMap is invalid: Too long: may not be more than 1048576 bytes", False, False),
    ],
)  # fmt: skip
def test_an_error_of_size_is_not_retriable(
    status: int, message: str, too_large: bool, passing: bool
) -> None:
    body = json.dumps({"kind": "Status", "message": message, "code": status}).encode()
    error = from_response(status, body, {})
    assert (error.too_large, error.is_retriable) == (too_large, passing)

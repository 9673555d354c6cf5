"""The proxy in front of the API server leaves nothing behind."""

import gc
import socket
import warnings

from tests.cluster.controlplane import ControlPlane
from tests.operator.fault_proxy import proxied

WATCH = b"GET /api/v1/nodes?watch=true HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_the_proxy_closes_connections_whose_requests_are_cut_short(
    control_plane: ControlPlane,
) -> None:
    gc.collect()
    with warnings.catch_warnings(record=True, action="always") as warned:
        for _ in range(5):
            with proxied(control_plane) as proxy:
                for _ in range(20):
                    with socket.create_connection(("127.0.0.1", proxy.port)) as client:
                        client.sendall(WATCH)
            gc.collect()
    assert not [str(one.message) for one in warned]

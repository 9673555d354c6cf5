"""One real cloud whose nodes are in as many states as can be had, for all tests of this folder."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.peers.openstack.cloud import OpenstackCloud, openstack_cloud

# The states that nodes are brought into: provision state and power.
STAGE = {
    "idle": ("available", "power on"),
    "off": ("available", "power off"),
    "busy": ("active", "power on"),
    "busy-off": ("active", "power off"),
    "broken": ("available", "power on"),
    "draining": ("active", "power on"),
    "kept": ("manageable", "power on"),
    "new": ("enroll", ""),
}
BROKEN = ("broken", "draining")
REASON = 'dimm | "é" <b>'
# What each of them must be read as.
WORDS = {
    "idle": "idle",
    "off": "powered_down",
    "busy": "allocated",
    "busy-off": "allocated",
    "broken": "drained",
    "draining": "draining",
    "kept": "manageable",
    "new": "enroll",
}


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenstackCloud]:
    """A cloud whose nodes are as STAGE says. Tests only look at them."""
    with openstack_cloud(tmp_path_factory.mktemp("openstack")) as running:
        with ThreadPoolExecutor(4) as pool:
            uuids = dict(
                zip(
                    STAGE,
                    pool.map(lambda name: running.node(name, *STAGE[name]), STAGE),
                    strict=True,
                )
            )
        for name in BROKEN:
            running.ironic("PUT", f"/nodes/{uuids[name]}/maintenance", {"reason": REASON})
        yield running


@pytest.fixture
def secrets_directory(tmp_path: Path) -> Path:
    (tmp_path / "openstack").mkdir()
    return tmp_path

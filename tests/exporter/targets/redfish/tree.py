"""A Redfish service that is a dictionary of its resources, and the requests that it had."""

import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yarl import URL

from rackwatt_exporter.config.options import RedfishOptions
from rackwatt_exporter.protocols.redfish.client import RedfishClient
from rackwatt_exporter.protocols.redfish.exchange import Authorization, Origin, RedfishResponse
from rackwatt_exporter.protocols.redfish.login import RedfishAccount
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.targets.redfish.source import RedfishSource

DATA = Path(__file__).parents[3] / "data" / "redfish"
ROOT = "/redfish/v1"
FORBIDDEN = {"!status": 403}


class Tree(Origin):
    """What answers in a connection's place; `resources` may be changed at any time."""

    def __init__(self, resources: Mapping[str, Any]) -> None:
        super().__init__(URL("https://192.0.2.1:443/"), ssl.create_default_context, None)
        self.resources = dict(resources)
        self.requests: list[str] = []

    def source(self, **options: Any) -> RedfishSource:
        """Make a source that reads this service."""
        service = RedfishClient(self, lambda: RedfishAccount("root", "secret"), basic=True)
        return RedfishSource(service, RedfishOptions(**options), service.close)

    def counted(self) -> int:
        """Return how many requests there were since this was called last."""
        count = len(self.requests)
        self.requests.clear()
        return count

    async def _send(
        self, method: str, path: str, headers: Authorization, body: bytes | None
    ) -> RedfishResponse:
        self.requests.append(path)
        plain = path.partition("?")[0].rstrip("/")
        held = self.resources.get(path, self.resources.get(plain))
        if plain == ROOT:
            held = held or {"@odata.id": "/redfish/v1/", "RedfishVersion": "1.6.0"}
        status = 404 if held is None else held.get("!status", 200)
        return RedfishResponse(status, {}, json.dumps(held or {}).encode())


async def searched(source: RedfishSource) -> Reading:
    """Read again and again, until the search for the watts has come to its end."""
    while True:
        try:
            return await source.read()
        except ReadError as error:
            if error.reason is not Reason.SEARCHING:
                raise


def tree(name: str) -> Tree:
    """Serve what a BMC has answered: a file of tests/data/redfish."""
    return Tree(json.loads((DATA / f"{name}.json").read_text()))


def link(path: str) -> dict[str, str]:
    return {"@odata.id": path}


def collection(*paths: str, following: str | None = None) -> dict[str, Any]:
    page: dict[str, Any] = {"Members": [link(path) for path in paths]}
    return page if following is None else {**page, "Members@odata.nextLink": following}


def machine(**chassis: Any) -> dict[str, Any]:
    """Make one system in one chassis; what else the chassis has is given."""
    at, system = f"{ROOT}/Chassis/1", f"{ROOT}/Systems/1"
    return {
        f"{ROOT}/Systems": collection(system),
        f"{ROOT}/Chassis": collection(at),
        system: {**link(system), "Id": "1", "PowerState": "On", "Links": {"Chassis": [link(at)]}},
        at: {**link(at), "Id": "1", "ChassisType": "RackMount", **chassis},
    }


def sensors(
    *named: str,
    watts: float = 100.0,
    listed: str | None = None,
    chassis: str = f"{ROOT}/Chassis/1",
) -> dict[str, Any]:
    """Make sensors of power in a chassis, and their list."""
    base = f"{chassis}/Sensors"
    paths = [f"{base}/{name}" for name in named]
    resources: dict[str, Any] = {listed or base: collection(*paths)}
    for name, path in zip(named, paths, strict=True):
        about = {"Id": name, "Name": name, "ReadingType": "Power", "ReadingUnits": "W"}
        resources[path] = {**link(path), **about, "Reading": watts}
    return resources

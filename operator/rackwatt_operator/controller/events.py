"""Recorder of Kubernetes Events about resources, for `kubectl describe` and event collectors.

Only transitions are recorded. A new resource has an event when it is ready, or when it cannot
become so; that its collectors are starting is none.
"""

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rackwatt_operator.kube.client import Client, Manifest
from rackwatt_operator.kube.constants import MANAGER
from rackwatt_operator.kube.errors import ApiError
from rackwatt_operator.kube.resources import BY_NAME, EVENT, ObjectKey

log = logging.getLogger(__name__)

_STARTING = frozenset({"RolloutInProgress", "NotCreated", "Pending"})
_LONGEST = 1024


class EventRecorder:
    """Creates events about PowerTargets and SchedulerBindings."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def record(
        self, key: ObjectKey, uid: str, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        """Create an event per transition; a failure is logged and ignored."""
        for condition in transitions(before, after):
            try:
                await self._client.create(
                    EVENT.path(key.namespace), _event(key, uid, condition, datetime.now(UTC))
                )
            except ApiError as error:
                level = logging.DEBUG if error.terminating else logging.WARNING
                log.log(level, "cannot create an event for %s: %s", key, error)


def transitions(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the conditions to record: Ready that became True, any other that became False.

    Ready summarises the others, so its becoming False is recorded only if none of them is.
    """
    former = {one["type"]: one for one in before.get("conditions", ())}
    others_fail = any(
        one["status"] == "False" for one in after["conditions"] if one["type"] != "Ready"
    )
    for one in after["conditions"]:
        was = former.get(one["type"], {})
        if (was.get("status"), was.get("reason")) == (one["status"], one["reason"]):
            continue
        if one["type"] == "Ready":
            notable = one["status"] == "True" or (one["status"] == "False" and not others_fail)
        else:
            notable = one["status"] == "False"
        if notable and one["reason"] not in _STARTING:
            yield one


def _event(key: ObjectKey, uid: str, condition: Mapping[str, Any], now: datetime) -> Manifest:
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {"generateName": f"{key.name[:200]}.", "namespace": key.namespace},
        "involvedObject": {
            "apiVersion": BY_NAME[key.kind].api_version,
            "kind": key.kind,
            "name": key.name,
            "namespace": key.namespace,
            "uid": uid,
        },
        "reason": condition["reason"],
        "message": condition["message"][:_LONGEST],
        "type": "Normal" if condition["status"] == "True" else "Warning",
        "source": {"component": MANAGER},
        "reportingComponent": MANAGER,
        "reportingInstance": MANAGER,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }

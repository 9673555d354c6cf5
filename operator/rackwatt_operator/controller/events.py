"""Events: what has changed for better or worse, for `kubectl describe` and whoever collects them.

On transitions alone. A document that is new is announced when it is ready, or when it cannot be;
that its collectors take a while to start is no news.
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
    """Posts events about documents."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def announce(
        self, key: ObjectKey, uid: str, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        """Post what has changed; an event that is lost is no harm."""
        for condition in transitions(before, after):
            try:
                await self._client.create(
                    EVENT.path(key.namespace), _event(key, uid, condition, datetime.now(UTC))
                )
            except ApiError as error:
                told = log.debug if error.terminating else log.warning
                told("%s: its event could not be posted: %s", key, error)


def transitions(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """List the conditions that are news: Ready when it comes to hold, any that ceased to.

    Ready only sums up what the others say, so that it fails is theirs to tell.
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
            news = one["status"] == "True" or (one["status"] == "False" and not others_fail)
        else:
            news = one["status"] == "False"
        if news and one["reason"] not in _STARTING:
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

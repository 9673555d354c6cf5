"""Accounting of a SchedulerBinding: its volume, Service, NetworkPolicy and Deployment.

One process writes the database, so the Deployment is replaced by `Recreate`, and SQLite's volume is
of one node. The volume has no owner: deleting the SchedulerBinding deletes everything but years of
records, and a SchedulerBinding of the same name finds them again. People delete the claim.
"""

from typing import Any

from rackwatt_crds.accounting.accounting import Accounting
from rackwatt_crds.accounting.storage import DEFAULT_SIZE, Sqlite, Storage
from rackwatt_operator.manifests import naming
from rackwatt_operator.manifests.accounting_pod import template
from rackwatt_operator.manifests.labels import labels_of_accounting, selector_of_accounting
from rackwatt_operator.manifests.networkpolicy import policy_of_accounting
from rackwatt_operator.manifests.params import Manifest, Params
from rackwatt_operator.manifests.service import ACCOUNTING_PORT
from rackwatt_operator.manifests.web import scheme


def accounting(params: Params) -> list[Manifest]:
    """Build the objects of accounting, where a SchedulerBinding has it."""
    settings = params.accounting
    if settings is None:
        return []
    storage = settings.storage or Storage(sqlite=Sqlite())
    return [
        *([_claim(params, storage.sqlite)] if storage.sqlite is not None else []),
        _child(params, "networking.k8s.io/v1", "NetworkPolicy", policy_of_accounting(params)),
        _child(params, "v1", "Service", _service(params, settings)),
        _child(params, "apps/v1", "Deployment", _deployment(params, settings, storage)),
    ]


def _child(params: Params, api_version: str, kind: str, spec: dict[str, Any]) -> Manifest:
    made = params.manifest(api_version, kind, naming.accounting(params.base), spec=spec)
    made["metadata"]["labels"] = labels_of_accounting(params.base)
    return made


def _claim(params: Params, sqlite: Sqlite) -> Manifest:
    """Build the PersistentVolumeClaim, which belongs to no resource and outlives each."""
    requests = {"storage": sqlite.size or DEFAULT_SIZE}
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": requests}}
    if sqlite.storage_class_name is not None:
        spec["storageClassName"] = sqlite.storage_class_name
    made = _child(params, "v1", "PersistentVolumeClaim", spec)
    made["metadata"].pop("ownerReferences", None)
    return made


def _service(params: Params, settings: Accounting) -> dict[str, Any]:
    """Build a Service with an address of its own: browsers and Grafana connect to it."""
    name = scheme(settings.web)
    port = {"name": name, "port": ACCOUNTING_PORT, "protocol": "TCP", "targetPort": name}
    return {"selector": selector_of_accounting(params.base), "ports": [port]}


def _deployment(params: Params, settings: Accounting, storage: Storage) -> dict[str, Any]:
    return {
        "replicas": 1,
        "revisionHistoryLimit": 2,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": selector_of_accounting(params.base)},
        "template": template(params, settings, storage),
    }

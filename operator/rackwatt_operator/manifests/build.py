"""Build all children of a resource, in the order in which they are applied.

Pure and total: the same resource, facts and defaults result in the same manifests, and a failure is
a value. The reconciler, `rackwatt-operator render` and the tests share it.
"""

from collections.abc import Mapping
from typing import Any

from rackwatt_crds.document import Document
from rackwatt_operator.manifests.accounting import accounting
from rackwatt_operator.manifests.configmap import documents
from rackwatt_operator.manifests.daemonset import daemon_set
from rackwatt_operator.manifests.dashboard import dashboards
from rackwatt_operator.manifests.defaults import Defaults
from rackwatt_operator.manifests.deployment import deployments
from rackwatt_operator.manifests.networkpolicy import network_policy
from rackwatt_operator.manifests.params import BuildFailure, Facts, Manifest, Params
from rackwatt_operator.manifests.poddisruptionbudget import budget
from rackwatt_operator.manifests.prometheusrule import prometheus_rule
from rackwatt_operator.manifests.service import service
from rackwatt_operator.manifests.serviceaccount import service_account
from rackwatt_operator.manifests.servicemonitor import service_monitor


def plan(
    raw: Mapping[str, Any], document: Document, facts: Facts, defaults: Defaults
) -> list[Manifest] | BuildFailure:
    """Return the manifests of all children; `raw` is the resource as its author wrote it."""
    params = Params(raw, document, facts, defaults)
    config = documents(params)
    if isinstance(config, BuildFailure):
        return config
    return [
        service_account(params),
        config,
        network_policy(params),
        service(params),
        *([daemon_set(params)] if params.component == "node" else deployments(params)),
        *budget(params),
        *accounting(params),
        *service_monitor(params),
        *prometheus_rule(params),
        *dashboards(params),
    ]

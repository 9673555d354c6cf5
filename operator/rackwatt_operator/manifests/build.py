"""The plan: everything that belongs to a document, in the order it should come to be.

Pure and total: the same document, facts and defaults always come to the same manifests, and what
cannot be planned is a value. The reconciler, `rackwatt-operator render` and the tests share it.
"""

from collections.abc import Mapping
from typing import Any

from rackwatt_crds.document import Document
from rackwatt_operator.manifests.configmap import documents
from rackwatt_operator.manifests.daemonset import daemon_set
from rackwatt_operator.manifests.dashboard import dashboards
from rackwatt_operator.manifests.defaults import Defaults
from rackwatt_operator.manifests.deployment import deployments
from rackwatt_operator.manifests.facts import Facts
from rackwatt_operator.manifests.networkpolicy import network_policy
from rackwatt_operator.manifests.params import Manifest, Params
from rackwatt_operator.manifests.poddisruptionbudget import budget
from rackwatt_operator.manifests.prometheusrule import prometheus_rule
from rackwatt_operator.manifests.refused import BuildFailure
from rackwatt_operator.manifests.service import service
from rackwatt_operator.manifests.serviceaccount import service_account
from rackwatt_operator.manifests.servicemonitor import service_monitor


def plan(
    raw: Mapping[str, Any], document: Document, facts: Facts, defaults: Defaults
) -> list[Manifest] | BuildFailure:
    """List the children of a document; `raw` is the document as it was found."""
    subject = Params(raw, document, facts, defaults)
    config = documents(subject)
    if isinstance(config, BuildFailure):
        return config
    return [
        service_account(subject),
        config,
        network_policy(subject),
        service(subject),
        *([daemon_set(subject)] if subject.component == "node" else deployments(subject)),
        *budget(subject),
        *service_monitor(subject),
        *prometheus_rule(subject),
        *dashboards(subject),
    ]

"""Monitored: what Prometheus Operator needs to know of the collectors is there."""

from rackwatt_operator.cluster.kinds import MONITORING
from rackwatt_operator.status.claim import Claim, listed
from rackwatt_operator.status.findings import Findings

MONITORING_KINDS = frozenset({"ServiceMonitor", "PrometheusRule"})


def monitored(found: Findings) -> Claim:
    """Claim it, or tell what is in the way."""
    troubles = [one for one in found.troubles if one.child.kind in MONITORING_KINDS]
    if troubles:
        message = listed([one.message for one in troubles])
        return Claim("Monitored", "False", troubles[0].reason, message)
    if "ServiceMonitor" not in found.monitoring:
        told = (
            f"the cluster has no ServiceMonitor ({MONITORING}): install Prometheus Operator, "
            "and it will be noticed; or scrape the Service by other means"
        )
        return Claim("Monitored", "Unknown", "MonitoringApiAbsent", told)
    if not found.kinds:
        return Claim("Monitored", "Unknown", "NotPlanned", "the document cannot be carried out")
    if "ServiceMonitor" not in found.kinds:
        told = "monitoring.serviceMonitor.enabled is false: scrape the Service by other means"
        return Claim("Monitored", "Unknown", "Disabled", told)
    if found.selection is None:
        reason = "Paused" if found.paused else "NotMade"
        return Claim("Monitored", "False", reason, "no ServiceMonitor is to be seen yet")
    made = " and ".join(sorted(found.kinds & MONITORING_KINDS))
    return Claim("Monitored", "True", "Monitored", f"{made} made")

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
    made = f"{' and '.join(sorted(found.kinds & MONITORING_KINDS))} made"
    rules = found.rules
    if rules is not None and rules.seen and not rules.taken_by:
        message = (
            f"{made}; but no Prometheus takes the PrometheusRule, so there are no alerts and the "
            f"dashboard's sums stay empty: {rules.rejected or listed(rules.wanting)}. Its labels: "
            "spec.monitoring.rules.labels, or the chart's defaults. Whether a ThanosRuler takes it "
            "is not known here"
        )
        return Claim("Monitored", "True", "RulesNotSelected", message)
    return Claim("Monitored", "True", "Monitored", made)

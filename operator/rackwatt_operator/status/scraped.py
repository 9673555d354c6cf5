"""Scraped: a Prometheus takes what was made for it."""

from rackwatt_operator.status.claim import Claim, listed
from rackwatt_operator.status.findings import Findings
from rackwatt_operator.status.monitored import monitored


def scraped(found: Findings) -> Claim:
    """Claim it, or tell what each Prometheus would want."""
    made = monitored(found)
    selection = found.selection
    if made.status != "True" or selection is None:
        told = "there is no ServiceMonitor for a Prometheus to take"
        return Claim("Scraped", "Unknown", made.reason, told)
    if selection.taken_by:
        return Claim("Scraped", "True", "Scraped", f"by {listed(selection.taken_by)}")
    if selection.rejected:
        return Claim("Scraped", "False", "Rejected", selection.rejected)
    if not selection.seen:
        told = (
            "no Prometheus of Prometheus Operator is to be seen here: whether another one scrapes "
            "the collectors is not known"
        )
        return Claim("Scraped", "Unknown", "NoPrometheus", told)
    told = (
        f"{listed(selection.wanting)}. Labels of the ServiceMonitor: "
        "spec.monitoring.serviceMonitor.labels, or the chart's defaults"
    )
    return Claim("Scraped", "False", "NotSelected", told)

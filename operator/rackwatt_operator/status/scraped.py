"""Scraped: the collectors are scraped, as they report themselves.

Selectors show only whether a Prometheus is configured to. Its next scrape may be due yet, or may
not reach the collectors; and scrapers without a Prometheus resource have no selectors to look at.
"""

from rackwatt_operator.status.claim import Claim, listed
from rackwatt_operator.status.findings import Findings
from rackwatt_operator.status.monitored import monitored
from rackwatt_operator.status.selection import Selection
from rackwatt_operator.status.told import Told

_TARGETS = "its page of targets shows more"


def scraped(found: Findings) -> Claim:
    """Claim it, or say what each Prometheus would want, or what cannot be known from here."""
    told = found.told
    if told is not None and told.scraped:
        return Claim("Scraped", "True", "Scraped", f"by {listed(told.scrapers)}{_part(told)}")
    made = monitored(found)
    if made.status != "True" or found.selection is None:
        message = "there is no ServiceMonitor for a Prometheus to take"
        return Claim("Scraped", "Unknown", made.reason, message)
    return _selected(found.selection, told)


def _selected(selection: Selection, told: Told | None) -> Claim:
    if selection.taken_by:
        message = f"{listed(selection.taken_by)} selects the ServiceMonitor; {_unseen(told)}"
        return Claim("Scraped", "Unknown", "Selected", message)
    if selection.rejected:
        return Claim("Scraped", "False", "Rejected", selection.rejected)
    if not selection.seen:
        message = (
            "the operator sees no Prometheus or PrometheusAgent resource. One in a namespace that "
            "it does not watch, VictoriaMetrics, Grafana Alloy or a Prometheus configured by hand "
            f"may scrape the collectors all the same; {_unseen(told)}"
        )
        return Claim("Scraped", "Unknown", "NoPrometheus", message)
    message = (
        f"{listed(selection.wanting)}. Labels of the ServiceMonitor: "
        "spec.monitoring.serviceMonitor.labels, or the chart's defaults"
    )
    return Claim("Scraped", "False", "NotSelected", message)


def _part(told: Told) -> str:
    """Say how many are scraped, where not all are: one that has just started is not yet."""
    return "" if told.scraped >= told.asked else f" ({told.scraped} of {told.asked} collectors)"


def _unseen(told: Told | None) -> str:
    """Say why no scrape is known, as far as that is."""
    if told is None or told.silent >= told.asked:
        return f"no collector reports to the operator whether it is scraped; {_TARGETS}"
    return (
        "the collectors have seen no scrape for 10 minutes, or since they started. The next one "
        "may be due yet, or a NetworkPolicy, TLS or a password may keep it from port 9123; "
        + _TARGETS
    )

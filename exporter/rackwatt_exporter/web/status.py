"""Status as JSON: counts, failures, a list of each kind, and problems of the documents.

Its size is bounded for any fleet: the operator reads it often and copies it into a status of
limited size.
"""

import time
from collections import Counter
from typing import Any

from rackwatt_exporter import __version__
from rackwatt_exporter.config.secrets import MissingSecretError
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.pipelines.health import shortened
from rackwatt_exporter.pipelines.pipeline import Pipeline
from rackwatt_exporter.pipelines.registry import Registry
from rackwatt_exporter.store.store import Record
from rackwatt_exporter.web.metrics import Scraper
from rackwatt_exporter.web.target_counts import TargetCounts

MAX_FAILING = 1000
_MAX_PROBLEMS = 100
_MAX_SECRETS = 100


def status(
    exporter: Exporter, uptime_s: float, max_failing: int, scraper: Scraper | None
) -> dict[str, Any]:
    """Return the status, with at most `max_failing` targets, those failing for longest first."""
    now_s = time.monotonic()
    exporter.withdraw_stale()
    problems = exporter.fleet.problems
    counted = TargetCounts(exporter)
    failing = _failing(exporter.registry, now_s)
    return {
        "version": __version__,
        "uptime_s": round(uptime_s, 1),
        "scraped": _scraped(scraper, now_s),
        "targets": counted.all.plain(),
        "powertargets": {name: one.plain() for name, one in sorted(counted.documents.items())},
        "reasons": Counter(one.error.reason for _, one in failing if one.error),
        "failing": [
            {**pipeline.subject(record.spec)._asdict(), **pipeline.status(record, now_s)}
            for pipeline, record in failing[:max_failing]
        ],
        **{
            pipeline.name: [
                pipeline.status(record, now_s) for record in pipeline.store.records.values()
            ]
            for pipeline in exporter.registry.listed
        },
        "secrets_missing": _secrets_missing(exporter),
        "documents": {
            "reloaded_at_s": round(exporter.reloaded_at_s, 3),
            "count": len(exporter.fleet.documents),
            "problems": len(problems),
            "first_problems": [shortened(problem) for problem in problems[:_MAX_PROBLEMS]],
        },
    }


def _failing(registry: Registry, now_s: float) -> list[tuple[Pipeline[Any, Any], Record[Any, Any]]]:
    """Return what fails of each PowerTarget, the longest first."""
    failing = [
        (pipeline, one.failure)
        for pipeline in registry
        for one in pipeline.measured()
        if one.failure is not None
    ]
    failing.sort(key=lambda it: (it[1].failing_since_s or now_s, it[1].spec.key))
    return failing


def _scraped(scraper: Scraper | None, now_s: float) -> dict[str, Any] | None:
    if scraper is None:
        return None
    return {"by": scraper.name, "age_s": round(now_s - scraper.at_s, 3)}


def _secrets_missing(exporter: Exporter) -> list[dict[str, Any]]:
    """Return each missing key of a Secret, and the first document that references it."""
    missing: dict[tuple[str, str], dict[str, Any]] = {}
    for pipeline in exporter.registry:
        for record in pipeline.store.records.values():
            for error in pipeline.errors(record):
                if not isinstance(error, MissingSecretError):
                    continue
                first = pipeline.reference(record.spec, exporter.fleet)
                blank = {
                    "secret": error.secret,
                    "key": error.key,
                    "first_reference": first,
                    "affected_targets": 0,
                }
                missing.setdefault((error.secret, error.key), blank)["affected_targets"] += 1
    return sorted(missing.values(), key=lambda one: (one["secret"], one["key"]))[:_MAX_SECRETS]

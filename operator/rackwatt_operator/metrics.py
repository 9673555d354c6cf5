"""The operator's own metrics: reconciliations, queue, API requests, watches."""

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from rackwatt_operator import __version__

# One more series per counter, which Prometheus does not use. The library has no type for it.
_without_created: Callable[[], None] = disable_created_metrics
_without_created()
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_SHORT_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

RECONCILES = Counter(
    "rackwatt_operator_reconciles",
    "Total number of reconciliations by result: success, deferred (the status is written when no "
    "other document waits), requeue or error.",
    ["kind", "result"],
    registry=REGISTRY,
)
RECONCILE_SECONDS = Histogram(
    "rackwatt_operator_reconcile_duration_seconds",
    "Duration of one reconciliation.",
    ["kind"],
    buckets=_SHORT_S,
    registry=REGISTRY,
)
LAST_SUCCESS = Gauge(
    "rackwatt_operator_last_success_timestamp_seconds",
    "Unix time of the last successful reconciliation.",
    registry=REGISTRY,
)
QUEUE_DEPTH = Gauge(
    "rackwatt_operator_queue_depth", "Number of keys waiting in the work queue.", registry=REGISTRY
)
QUEUE_OLDEST = Gauge(
    "rackwatt_operator_queue_oldest_seconds",
    "Longest time that a key has been waiting or in progress.",
    registry=REGISTRY,
)
QUEUE_RETRYING = Gauge(
    "rackwatt_operator_queue_retrying",
    "Number of resources whose last reconciliation failed.",
    registry=REGISTRY,
)
APPLIES = Counter(
    "rackwatt_operator_applies",
    "Total number of changes of children by kind and result: "
    "applied, deleted, or the reason of the failure.",
    ["kind", "result"],
    registry=REGISTRY,
)
REQUESTS = Histogram(
    "rackwatt_operator_api_request_duration_seconds",
    "Duration of requests to the API server except watches, by "
    "method and HTTP status (0: no answer).",
    ["method", "status"],
    buckets=_SHORT_S,
    registry=REGISTRY,
)
WATCH_EVENTS = Counter(
    "rackwatt_operator_watch_events",
    "Total number of watch events, except echoes of the operator's own applies.",
    ["kind"],
    registry=REGISTRY,
)
LAST_EVENT = Gauge(
    "rackwatt_operator_last_watch_event_timestamp_seconds",
    "Unix time of the last watch event with a change.",
    ["kind"],
    registry=REGISTRY,
)
LAST_LIST = Gauge(
    "rackwatt_operator_last_list_timestamp_seconds",
    "Unix time of the last complete list of all watched resources.",
    registry=REGISTRY,
)
WATCH_RESTARTS = Counter(
    "rackwatt_operator_watch_restarts", "Total number of restarts of watches.", registry=REGISTRY
)
LOOP_LAG = Gauge(
    "rackwatt_operator_event_loop_lag_seconds",
    "Maximum event loop lag during the last 10 seconds.",
    registry=REGISTRY,
)
LEADER = Gauge(
    "rackwatt_operator_leader", "1 if this process is the leader, 0 otherwise.", registry=REGISTRY
)
READY = Gauge(
    "rackwatt_operator_ready",
    "1 if all watched resources were listed once, 0 otherwise.",
    registry=REGISTRY,
)
BUILD_INFO = Gauge(
    "rackwatt_operator_build_info",
    "1, with the version of the operator.",
    ["version"],
    registry=REGISTRY,
)
BUILD_INFO.labels(__version__).set(1)

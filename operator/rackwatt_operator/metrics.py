"""The operator's own metrics: what it did, how long that took, what waits, what it last heard."""

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

# A series more for each counter, which Prometheus makes no use of. The library tells no type of it.
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
    "How long the work on one document took.",
    ["kind"],
    buckets=_SHORT_S,
    registry=REGISTRY,
)
LAST_SUCCESS = Gauge(
    "rackwatt_operator_last_success_timestamp_seconds",
    "When the work on any document last ended well.",
    registry=REGISTRY,
)
QUEUE_DEPTH = Gauge(
    "rackwatt_operator_queue_depth", "Documents that wait for their turn.", registry=REGISTRY
)
QUEUE_OLDEST = Gauge(
    "rackwatt_operator_queue_oldest_seconds",
    "How long the document has waited or been worked on that has for longest.",
    registry=REGISTRY,
)
QUEUE_RETRYING = Gauge(
    "rackwatt_operator_queue_retrying",
    "Documents whose last try did not end well.",
    registry=REGISTRY,
)
APPLIES = Counter(
    "rackwatt_operator_applies",
    "What was done with children, by kind and result: applied, deleted, or why not.",
    ["kind", "result"],
    registry=REGISTRY,
)
REQUESTS = Histogram(
    "rackwatt_operator_api_request_duration_seconds",
    "Questions to the API server, watches apart, by method and HTTP status (0: no answer).",
    ["method", "status"],
    buckets=_SHORT_S,
    registry=REGISTRY,
)
WATCH_EVENTS = Counter(
    "rackwatt_operator_watch_events",
    "Events that watches brought, echoes of our own applies apart.",
    ["kind"],
    registry=REGISTRY,
)
LAST_EVENT = Gauge(
    "rackwatt_operator_last_watch_event_timestamp_seconds",
    "When a watch last brought something new.",
    ["kind"],
    registry=REGISTRY,
)
LAST_LIST = Gauge(
    "rackwatt_operator_last_list_timestamp_seconds",
    "When everything was last listed.",
    registry=REGISTRY,
)
WATCH_RESTARTS = Counter(
    "rackwatt_operator_watch_restarts", "Times that watching began anew.", registry=REGISTRY
)
LOOP_LAG = Gauge(
    "rackwatt_operator_event_loop_lag_seconds",
    "How late the event loop was, at worst since the last look.",
    registry=REGISTRY,
)
LEADER = Gauge(
    "rackwatt_operator_leader", "Whether this process holds the Lease.", registry=REGISTRY
)
READY = Gauge("rackwatt_operator_ready", "Whether everything was listed once.", registry=REGISTRY)
BUILD_INFO = Gauge(
    "rackwatt_operator_build_info", "Which version this is.", ["version"], registry=REGISTRY
)
BUILD_INFO.labels(__version__).set(1)

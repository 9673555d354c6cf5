"""What the operator makes for Prometheus Operator and Grafana; an exporter by itself ignores it.

Nothing here has a default: where a document is silent, the operator's own defaults speak.
"""

from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.fields import Annotations, Duration, Labels
from rackwatt_crds.model import Model
from rackwatt_crds.rules import no_shorter

# As the CRD of ServiceMonitors holds it.
LabelName = Annotated[
    str,
    Meta(
        pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*\Z",
        description="A label's name: letters, digits and `_`.",
    ),
]


class Relabeling(Model, frozen=True, kw_only=True):
    """One step of relabeling, as Prometheus Operator spells it."""

    source_labels: Annotated[
        Annotated[list[LabelName], Meta(max_length=64)] | None,
        Meta(description="Labels whose values are joined and matched."),
    ] = None
    separator: Annotated[str | None, Meta(description="What joins them. Default `;`.")] = None
    target_label: Annotated[str | None, Meta(description="The label that is written.")] = None
    regex: Annotated[str | None, Meta(description="What is matched. Default `(.*)`.")] = None
    modulus: Annotated[
        Annotated[int, Meta(ge=0, le=2**53)] | None,
        Meta(description="What the hash is taken by, where the action is hashmod."),
    ] = None
    replacement: Annotated[str | None, Meta(description="What is written. Default `$1`.")] = None
    action: Annotated[
        Literal[
            "replace", "keep", "drop", "hashmod", "labelmap", "labeldrop", "labelkeep",
            "lowercase", "uppercase", "keepequal", "dropequal",
        ] | None,
        Meta(description="Default replace."),
    ] = None  # fmt: skip


Relabelings = Annotated[list[Relabeling], Meta(max_length=64)]
_KubernetesLabel = Annotated[str, Meta(min_length=1, max_length=317)]
LabelNames = Annotated[
    list[_KubernetesLabel],
    Meta(max_length=64, extra_json_schema={"x-kubernetes-list-type": "atomic"}),
]
_Limit = Annotated[int, Meta(ge=1, le=2**53)]


class ServiceMonitor(Model, frozen=True, kw_only=True):
    """How Prometheus Operator finds and scrapes the collectors."""

    enabled: Annotated[bool | None, Meta(description="Make a ServiceMonitor.")] = None
    labels: Annotated[
        Labels | None,
        Meta(description="What a Prometheus selects it by, such as `release: prometheus`."),
    ] = None
    interval: Annotated[Duration | None, Meta(description="Time between two scrapes.")] = None
    scrape_timeout: Annotated[Duration | None, Meta(description="Deadline of a scrape.")] = None
    relabelings: Annotated[
        Relabelings | None, Meta(description="Applied to targets before they are scraped.")
    ] = None
    metric_relabelings: Annotated[
        Relabelings | None, Meta(description="Applied to samples before they are kept.")
    ] = None
    annotations: Annotated[
        Annotations | None, Meta(description="Put on the ServiceMonitor.")
    ] = None  # fmt: skip
    honor_labels: Annotated[
        bool | None,
        Meta(
            description="Keep `node` and other labels of the collectors where Prometheus has its "
            "own of that name. Default true; rules and dashboards need it where `node` is such."
        ),
    ] = None
    job_label: Annotated[
        _KubernetesLabel | None,
        Meta(
            description="The label of the Service whose value is `job`, such as "
            "`app.kubernetes.io/name`. Default the Service's name, as where it has no such label."
        ),
    ] = None
    sample_limit: Annotated[
        _Limit | None,
        Meta(description="Samples of one scrape, beyond which all of it is dropped. Default none."),
    ] = None
    target_limit: Annotated[
        _Limit | None,
        Meta(description="Collectors, beyond which none is scraped. Default none."),
    ] = None
    target_labels: Annotated[
        LabelNames | None,
        Meta(description="Labels of the Service that its samples get."),
    ] = None
    pod_target_labels: Annotated[
        LabelNames | None,
        Meta(description="Labels of the pods, such as those of `pod.labels`, that samples get."),
    ] = None
    scrape_class: Annotated[
        Annotated[str, Meta(min_length=1, max_length=253)] | None,
        Meta(description="A scrape class of the Prometheus."),
    ] = None

    RULES = (no_shorter("interval", "scrape_timeout"),)


class Rules(Model, frozen=True, kw_only=True):
    """Alerts, as a PrometheusRule."""

    enabled: Annotated[bool | None, Meta(description="Make a PrometheusRule.")] = None
    labels: Annotated[Labels | None, Meta(description="What a Prometheus selects it by.")] = None


class Dashboards(Model, frozen=True, kw_only=True):
    """Dashboards, as a ConfigMap that Grafana's sidecar finds."""

    enabled: Annotated[bool | None, Meta(description="Make a ConfigMap of dashboards.")] = None
    labels: Annotated[
        Labels | None, Meta(description="Beside `grafana_dashboard`, which it always has.")
    ] = None
    annotations: Annotated[
        Annotations | None, Meta(description="Such as `grafana_folder: Power`.")
    ] = None


class Monitoring(Model, frozen=True, kw_only=True):
    """What watches the collectors of this document."""

    service_monitor: ServiceMonitor | None = None
    rules: Rules | None = None
    dashboards: Dashboards | None = None

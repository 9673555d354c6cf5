"""Monitoring: the objects that the operator creates for Prometheus Operator and Grafana.

An exporter without an operator ignores them. No field has a default here: an absent field takes
the operator's default.
"""

from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.fields import Annotations, Duration, Labels
from rackwatt_crds.model import Model
from rackwatt_crds.rules import not_shorter_than

# As in the CRD of ServiceMonitors.
LabelName = Annotated[
    str,
    Meta(
        pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*\Z",
        description="A label's name: letters, digits and `_`.",
    ),
]


class Relabeling(Model, frozen=True, kw_only=True):
    """A relabeling step, with the fields of Prometheus Operator's RelabelConfig."""

    source_labels: Annotated[
        Annotated[list[LabelName], Meta(max_length=64)] | None,
        Meta(description="Labels whose values are joined and matched."),
    ] = None
    separator: Annotated[str | None, Meta(description="What joins the values. Default: `;`.")] = (
        None
    )
    target_label: Annotated[str | None, Meta(description="The label that is set.")] = None
    regex: Annotated[
        str | None, Meta(description="The regular expression to match. Default: `(.*)`.")
    ] = None
    modulus: Annotated[
        Annotated[int, Meta(ge=0, le=2**53)] | None,
        Meta(description="The modulus of the hash, for the action hashmod."),
    ] = None
    replacement: Annotated[
        str | None, Meta(description="The value that is set. Default: `$1`.")
    ] = None
    action: Annotated[
        Literal[
            "replace", "keep", "drop", "hashmod", "labelmap", "labeldrop", "labelkeep",
            "lowercase", "uppercase", "keepequal", "dropequal",
        ] | None,
        Meta(description="What is done with a match. Default: replace."),
    ] = None  # fmt: skip


Relabelings = Annotated[list[Relabeling], Meta(max_length=64)]
_PREFIX = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_KubernetesLabel = Annotated[
    str,
    Meta(
        pattern=rf"^({_PREFIX}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?\Z",
        max_length=317,
        description="The name of a Kubernetes label, such as `app.kubernetes.io/name`.",
    ),
]
LabelNames = Annotated[
    list[_KubernetesLabel],
    Meta(max_length=64, extra_json_schema={"x-kubernetes-list-type": "atomic"}),
]
_Limit = Annotated[int, Meta(ge=1, le=2**53)]


class ServiceMonitor(Model, frozen=True, kw_only=True):
    """The ServiceMonitor, by which Prometheus Operator scrapes the collectors."""

    enabled: Annotated[bool | None, Meta(description="Create a ServiceMonitor. Default: true.")] = (
        None
    )
    labels: Annotated[
        Labels | None,
        Meta(
            description="Labels of the ServiceMonitor that a Prometheus selects, such as "
            "`release: prometheus`."
        ),
    ] = None
    interval: Annotated[
        Duration | None,
        Meta(description="Time between two scrapes. Default: that of the Prometheus."),
    ] = None
    scrape_timeout: Annotated[
        Duration | None, Meta(description="Deadline of a scrape. Default: that of the Prometheus.")
    ] = None
    relabelings: Annotated[
        Relabelings | None, Meta(description="Relabeling of targets before they are scraped.")
    ] = None
    metric_relabelings: Annotated[
        Relabelings | None, Meta(description="Relabeling of samples before they are stored.")
    ] = None
    annotations: Annotated[
        Annotations | None, Meta(description="Annotations of the ServiceMonitor.")
    ] = None  # fmt: skip
    honor_labels: Annotated[
        bool | None,
        Meta(
            description="Keep `node` and other labels of the collectors where Prometheus has a "
            "label of that name. Rules and dashboards need it where `node` is one. "
            "Default: true."
        ),
    ] = None
    job_label: Annotated[
        _KubernetesLabel | None,
        Meta(
            description="The label of the Service whose value becomes `job`, such as "
            "`app.kubernetes.io/name`; where the Service has no such label, `job` "
            "is its name. Default: the Service's name."
        ),
    ] = None
    sample_limit: Annotated[
        _Limit | None,
        Meta(
            description="Maximum number of samples of a scrape; Prometheus drops a scrape with "
            "more. Default: none."
        ),
    ] = None
    target_limit: Annotated[
        _Limit | None,
        Meta(
            description="Maximum number of collectors; Prometheus scrapes none if there are "
            "more. Default: none."
        ),
    ] = None
    target_labels: Annotated[
        LabelNames | None,
        Meta(description="Labels of the Service that are copied to the samples."),
    ] = None
    pod_target_labels: Annotated[
        LabelNames | None,
        Meta(
            description="Labels of the pods, such as those of `pod.labels`, that are copied "
            "to the samples."
        ),
    ] = None
    scrape_class: Annotated[
        Annotated[str, Meta(min_length=1, max_length=253)] | None,
        Meta(description="The scrape class of the Prometheus. Default: its default class."),
    ] = None

    RULES = (not_shorter_than("interval", "scrape_timeout"),)


class Rules(Model, frozen=True, kw_only=True):
    """Alerts and recording rules, as a PrometheusRule."""

    enabled: Annotated[bool | None, Meta(description="Create a PrometheusRule. Default: true.")] = (
        None
    )
    labels: Annotated[
        Labels | None, Meta(description="Labels of the PrometheusRule that a Prometheus selects.")
    ] = None


class Dashboards(Model, frozen=True, kw_only=True):
    """Dashboards, as a ConfigMap that Grafana's sidecar loads."""

    enabled: Annotated[
        bool | None, Meta(description="Create a ConfigMap of dashboards. Default: true.")
    ] = None
    labels: Annotated[
        Labels | None,
        Meta(description="Labels of the ConfigMap, in addition to `grafana_dashboard`."),
    ] = None
    annotations: Annotated[
        Annotations | None,
        Meta(description="Annotations of the ConfigMap, such as `grafana_folder: Power`."),
    ] = None


class Monitoring(Model, frozen=True, kw_only=True):
    """Monitoring of this resource's collectors.

    An absent field takes the operator's default, set in the chart's `defaults.monitoring`.
    """

    service_monitor: ServiceMonitor | None = None
    rules: Rules | None = None
    dashboards: Dashboards | None = None

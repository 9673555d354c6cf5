"""The pods that the operator makes of a document; an exporter by itself ignores it.

Spelled as in Kubernetes' own PodSpec. Where a document is silent, the operator's defaults speak.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta

from rackwatt_crds.fields import Annotations, Labels, Name, SecretRef
from rackwatt_crds.model import Model
from rackwatt_crds.rules import Rule, each_once

# The grammar of Kubernetes' resource.Quantity without its sign: nobody asks for less than nothing.
Quantity = (
    Annotated[int, Meta(ge=0, le=2**53)]
    | Annotated[
        str,
        Meta(
            pattern=r"^([0-9]+\.?[0-9]*|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]+)?\Z",
            max_length=64,
            description="A quantity such as `100m`, `0.5`, `64Mi` or `1G`.",
        ),
    ]
)
Quantities = Annotated[
    dict[str, Quantity], Meta(max_length=32, description="Such as `{cpu: 100m, memory: 64Mi}`.")
]


class Resources(Model, frozen=True, kw_only=True):
    """What the collector's container asks for, and what it is held to."""

    requests: Annotated[Quantities | None, Meta(description="What a node must have free.")] = None
    limits: Annotated[Quantities | None, Meta(description="What it is held to.")] = None


_EXISTS = "has(self.operator) && self.operator == 'Exists'"


class Toleration(Model, frozen=True, kw_only=True):
    """A taint that does not keep the pods away."""

    key: Annotated[
        str | None, Meta(description="The taint's key. Default: every one, with Exists.")
    ] = None  # fmt: skip
    operator: Annotated[
        Literal["Exists", "Equal"] | None, Meta(description="Default Equal.")
    ] = None  # fmt: skip
    value: Annotated[str | None, Meta(description="The taint's value, for Equal.")] = None
    effect: Annotated[
        Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None,
        Meta(description="Default: every one."),
    ] = None
    toleration_seconds: Annotated[
        Annotated[int, Meta(ge=0, le=2**53)] | None,
        Meta(description="How long NoExecute is borne. Default: for ever."),
    ] = None

    # As API servers hold them for pods; here they are told before there is one.
    RULES = (
        Rule(
            "key must be given unless operator is Exists",
            f"(has(self.key) && self.key != '') || ({_EXISTS})",
            lambda one: None if one.key or one.operator == "Exists" else "neither",
        ),
        Rule(
            "value must not be given where operator is Exists",
            f"!(has(self.value) && self.value != '' && {_EXISTS})",
            lambda one: "both" if one.value and one.operator == "Exists" else None,
        ),
        Rule(
            "tolerationSeconds must not be given unless effect is NoExecute",
            "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
            lambda one: (
                f"effect {one.effect or 'not given'}"
                if one.toleration_seconds is not None and one.effect != "NoExecute"
                else None
            ),
        ),
    )


class Pod(Model, frozen=True, kw_only=True):
    """Where the pods of this document run, and what they may use."""

    resources: Resources | None = None
    node_selector: Annotated[
        Labels | None,
        Meta(
            description="Labels of the nodes that may run them.",
            extra_json_schema={"x-kubernetes-map-type": "atomic"},
        ),
    ] = None
    tolerations: Annotated[
        Annotated[
            list[Toleration],
            Meta(max_length=64),
        ]
        | None,
        Meta(description="Taints that do not keep the pods away."),
    ] = None
    affinity: Annotated[
        dict[str, Any] | None,
        Meta(
            description="As in a pod: handed on as it is, and judged there.",
            extra_json_schema={"x-kubernetes-map-type": "atomic"},
        ),
    ] = None
    priority_class_name: Annotated[
        Name | None, Meta(description="The PriorityClass of the pods.")
    ] = None  # fmt: skip
    image_pull_secrets: Annotated[
        Annotated[
            list[SecretRef],
            Meta(
                max_length=16,
                extra_json_schema={
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                },
            ),
        ]
        | None,
        Meta(description="Secrets of the same namespace that open the registry, each once."),
    ] = None
    labels: Annotated[
        Labels | None, Meta(description="Put on the pods, beside those of the operator.")
    ] = None
    annotations: Annotated[Annotations | None, Meta(description="Put on the pods.")] = None

    RULES = (each_once("image_pull_secrets", "name"),)

"""Pods that the operator creates for a document, with the fields of a PodSpec.

An exporter without an operator ignores them. An absent field takes the operator's default.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta

from rackwatt_crds.fields import Annotations, Labels, Name, SecretRef
from rackwatt_crds.model import Model
from rackwatt_crds.rules import Rule, unique

# The grammar of Kubernetes' resource.Quantity without a sign: no request is negative.
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
    """Resources of the collector's container."""

    requests: Annotated[Quantities | None, Meta(description="Requests of the container.")] = None
    limits: Annotated[Quantities | None, Meta(description="Limits of the container.")] = None


_EXISTS = "has(self.operator) && self.operator == 'Exists'"


class Toleration(Model, frozen=True, kw_only=True):
    """A toleration, with the fields of a pod's."""

    key: Annotated[
        str | None,
        Meta(description="The taint's key. Default: every key, with the operator Exists."),
    ] = None
    operator: Annotated[
        Literal["Exists", "Equal"] | None,
        Meta(description="How the taint is matched. Default: Equal."),
    ] = None
    value: Annotated[str | None, Meta(description="The taint's value, for Equal.")] = None
    effect: Annotated[
        Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None,
        Meta(description="The taint's effect. Default: every effect."),
    ] = None
    toleration_seconds: Annotated[
        Annotated[int, Meta(ge=0, le=2**53)] | None,
        Meta(description="Seconds for which NoExecute is tolerated. Default: unlimited."),
    ] = None

    # As API servers validate pods; here before there is a pod.
    RULES = (
        Rule(
            "key must be given unless operator is Exists",
            f"(has(self.key) && self.key != '') || ({_EXISTS})",
            lambda taint: None if taint.key or taint.operator == "Exists" else "neither",
            ("operator",),
            "key",
        ),
        Rule(
            "value must not be given where operator is Exists",
            f"!(has(self.value) && self.value != '' && {_EXISTS})",
            lambda taint: "both" if taint.value and taint.operator == "Exists" else None,
            ("operator",),
            "value",
        ),
        Rule(
            "tolerationSeconds must not be given unless effect is NoExecute",
            "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
            lambda taint: (
                f"effect {taint.effect or 'not given'}"
                if taint.toleration_seconds is not None and taint.effect != "NoExecute"
                else None
            ),
            ("effect",),
            "tolerationSeconds",
        ),
    )


_Id = Annotated[int, Meta(ge=1, le=2**31 - 1)]
_Group = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_Host = Annotated[str, Meta(min_length=1, max_length=253)]
_Address = Annotated[str, Meta(min_length=2, max_length=45)]


class PodSecurityContext(Model, frozen=True, kw_only=True):
    """Security context of the collector's pod. Collectors that need uid 0 have it in any case.

    No field is required: the image has a user of its own, and works with any other.
    """

    run_as_user: Annotated[
        _Id | None,
        Meta(description="The uid. Default: that of the image, or one that the cluster assigns."),
    ] = None
    run_as_group: Annotated[
        _Group | None,
        Meta(description="The gid. Default: that of the image, or one that the cluster assigns."),
    ] = None
    fs_group: Annotated[
        _Group | None,
        Meta(
            description="The group that owns mounted files. Default: none, or one that the "
            "cluster assigns."
        ),
    ] = None
    supplemental_groups: Annotated[
        Annotated[
            list[_Group],
            Meta(max_length=32, extra_json_schema={"x-kubernetes-list-type": "atomic"}),
        ]
        | None,
        Meta(description="Further groups of the process."),
    ] = None
    se_linux_options: Annotated[
        dict[str, str] | None,
        Meta(
            description="SELinux options as in a PodSpec, such as `{level: 's0:c123,c456'}`.",
            extra_json_schema={"x-kubernetes-map-type": "atomic"},
        ),
    ] = None


class HostAlias(Model, frozen=True, kw_only=True):
    """Names of one address in the pods' /etc/hosts."""

    ip: Annotated[_Address, Meta(description="The address.")]
    hostnames: Annotated[
        list[_Host],
        Meta(
            min_length=1,
            max_length=64,
            description="Its names.",
            extra_json_schema={"x-kubernetes-list-type": "atomic"},
        ),
    ]


class DnsOption(Model, frozen=True, kw_only=True):
    """One option of the resolver."""

    name: Annotated[
        str, Meta(min_length=1, max_length=64, description="The option, such as `ndots`.")
    ]
    value: Annotated[
        Annotated[str, Meta(max_length=64)] | None, Meta(description="Its value, such as `'2'`.")
    ] = None


class DnsConfig(Model, frozen=True, kw_only=True):
    """DNS configuration of the pods, in addition to that of dnsPolicy."""

    nameservers: Annotated[
        Annotated[
            list[_Address],
            Meta(max_length=3, extra_json_schema={"x-kubernetes-list-type": "atomic"}),
        ]
        | None,
        Meta(description="Addresses of name servers, such as those that resolve the BMCs."),
    ] = None
    searches: Annotated[
        Annotated[
            list[_Host],
            Meta(max_length=32, extra_json_schema={"x-kubernetes-list-type": "atomic"}),
        ]
        | None,
        Meta(description="Search domains of short names."),
    ] = None
    options: Annotated[
        Annotated[
            list[DnsOption],
            Meta(max_length=32, extra_json_schema={"x-kubernetes-list-type": "atomic"}),
        ]
        | None,
        Meta(description="Options of the resolver."),
    ] = None


class Pod(Model, frozen=True, kw_only=True):
    """The pods of this resource's collectors, with the fields of a PodSpec.

    An absent field takes the operator's default, set in the chart's `defaults.pod` and
    `defaults.nodePod`.
    """

    resources: Resources | None = None
    node_selector: Annotated[
        Labels | None,
        Meta(
            description="Labels of the nodes that the pods may run on.",
            extra_json_schema={"x-kubernetes-map-type": "atomic"},
        ),
    ] = None
    tolerations: Annotated[
        Annotated[
            list[Toleration],
            Meta(max_length=64),
        ]
        | None,
        Meta(description="Taints that the pods tolerate."),
    ] = None
    affinity: Annotated[
        dict[str, Any] | None,
        Meta(
            description="Affinity as in a PodSpec; the API server validates it in the pod.",
            extra_json_schema={"x-kubernetes-map-type": "atomic"},
        ),
    ] = None
    priority_class_name: Annotated[
        Name | None, Meta(description="The PriorityClass of the pods.")
    ] = None  # fmt: skip
    runtime_class_name: Annotated[
        Name | None,
        Meta(
            description="The RuntimeClass of the pods, such as `nvidia` where another runtime than "
            "that of other pods provides GPUs."
        ),
    ] = None
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
        Meta(description="Secrets of the same namespace with credentials of the image registry."),
    ] = None
    security_context: PodSecurityContext | None = None
    host_network: Annotated[
        bool | None,
        Meta(
            description="Use the node's own network, where only that reaches the BMCs. It "
            "occupies port 9123 of the node, with `web.tls` also 9124, and no NetworkPolicy "
            "applies. "
            "Default: false."
        ),
    ] = None
    dns_policy: Annotated[
        Literal["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"] | None,
        Meta(
            description="DNS policy of the pods; None needs dnsConfig.nameservers. Default: "
            "ClusterFirst; with hostNetwork ClusterFirstWithHostNet."
        ),
    ] = None
    dns_config: DnsConfig | None = None
    host_aliases: Annotated[
        Annotated[
            list[HostAlias],
            Meta(
                max_length=256,
                extra_json_schema={
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["ip"],
                },
            ),
        ]
        | None,
        Meta(
            description="Entries of /etc/hosts, for names that no name server resolves, such "
            "as those of BMCs."
        ),
    ] = None
    labels: Annotated[
        Labels | None, Meta(description="Labels of the pods, in addition to the operator's own.")
    ] = None
    annotations: Annotated[Annotations | None, Meta(description="Annotations of the pods.")] = None

    RULES = (
        unique("image_pull_secrets", "name"),
        unique("host_aliases", "ip"),
        Rule(
            "dnsConfig.nameservers must be given where dnsPolicy is None",
            "!has(self.dnsPolicy) || self.dnsPolicy != 'None' || (has(self.dnsConfig) && "
            "has(self.dnsConfig.nameservers) && self.dnsConfig.nameservers.size() > 0)",
            lambda pod: (
                "none"
                if pod.dns_policy == "None" and not (pod.dns_config and pod.dns_config.nameservers)
                else None
            ),
            ("dns_policy", "dns_config"),
            "dnsConfig",
        ),
    )

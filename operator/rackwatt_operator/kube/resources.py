"""The kinds that the operator reads and writes, and their paths in the API."""

from dataclasses import dataclass
from typing import NamedTuple

from rackwatt_crds.document import API_VERSION


class ObjectKey(NamedTuple):
    """Kind, namespace and name of an object."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind, as in discovery."""

    api_version: str
    kind: str
    plural: str

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """The version without its group."""
        return self.api_version.rpartition("/")[2]

    @property
    def resource(self) -> str:
        """The plural with its group, as in RBAC messages."""
        return ".".join(filter(None, (self.plural, self.group)))

    def path(self, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """Return the path of an object, or of a list in one namespace or in all."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"
        within = f"namespaces/{namespace}" if namespace else ""
        return "/".join(filter(None, (root, within, self.plural, name, subresource)))


MONITORING = "monitoring.coreos.com/v1"

POWER_TARGET = Resource(API_VERSION, "PowerTarget", "powertargets")
SCHEDULER_BINDING = Resource(API_VERSION, "SchedulerBinding", "schedulerbindings")
DOCUMENTS = (POWER_TARGET, SCHEDULER_BINDING)

SERVICE = Resource("v1", "Service", "services")
DEPLOYMENT = Resource("apps/v1", "Deployment", "deployments")
DAEMON_SET = Resource("apps/v1", "DaemonSet", "daemonsets")
SERVICE_MONITOR = Resource(MONITORING, "ServiceMonitor", "servicemonitors")
PROMETHEUS_RULE = Resource(MONITORING, "PrometheusRule", "prometheusrules")
CHILDREN = (
    Resource("v1", "ServiceAccount", "serviceaccounts"),
    Resource("v1", "ConfigMap", "configmaps"),
    SERVICE,
    Resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
    Resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    DEPLOYMENT,
    DAEMON_SET,
    SERVICE_MONITOR,
    PROMETHEUS_RULE,
)
"""Kinds that the operator creates for a resource, and watches for drift."""

PERSISTENT_VOLUME_CLAIM = Resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
KEPT = (PERSISTENT_VOLUME_CLAIM,)
"""Kinds that the operator creates for a resource and never deletes: they have no owner."""

ENDPOINT_SLICE = Resource("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")
PROMETHEUS = Resource(MONITORING, "Prometheus", "prometheuses")
PROMETHEUSES = (
    PROMETHEUS,
    Resource("monitoring.coreos.com/v1alpha1", "PrometheusAgent", "prometheusagents"),
)
"""Kinds that select ServiceMonitors."""
WATCHED = (*DOCUMENTS, *CHILDREN, *KEPT, ENDPOINT_SLICE, *PROMETHEUSES)
BY_NAME = {kind.kind: kind for kind in WATCHED}

NAMESPACE = Resource("v1", "Namespace", "namespaces")
EVENT = Resource("v1", "Event", "events")
SECRET = Resource("v1", "Secret", "secrets")
CLUSTER_ROLE = Resource("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles")
CLUSTER_ROLE_BINDING = Resource(
    "rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings"
)
LEASE = Resource("coordination.k8s.io/v1", "Lease", "leases")
ACCESS_REVIEW = Resource(
    "authorization.k8s.io/v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews"
)

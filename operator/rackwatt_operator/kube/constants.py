"""Label and field manager of the operator's objects, for all who write or list them."""

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "rackwatt-operator"
"""Value of managed-by, and field manager of every apply."""
KUBERNETES_SCHEDULER = "rackwatt-kubernetes-scheduler"
"""ClusterRole and ClusterRoleBinding of collectors that read nodes and pods, without the chart."""

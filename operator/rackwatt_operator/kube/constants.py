"""Label and field manager of the operator's objects, for all who write or list them."""

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "rackwatt-operator"
"""Value of managed-by, and field manager of every apply."""

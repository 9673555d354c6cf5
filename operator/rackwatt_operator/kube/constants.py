"""What marks an object as made by this operator, for every room that writes or lists objects."""

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "rackwatt-operator"
"""The value of managed-by, and the field manager of every apply."""

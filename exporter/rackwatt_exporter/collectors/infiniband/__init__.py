"""Ports of InfiniBand and RoCE adapters (Documentation/ABI/stable/sysfs-class-infiniband)."""

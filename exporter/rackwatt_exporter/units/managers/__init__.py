"""Managers of units: which control groups are their jobs, virtual machines or pods."""

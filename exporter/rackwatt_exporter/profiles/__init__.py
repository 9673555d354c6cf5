"""Profiles of a node: the same numbers by the names and labels of other exporters."""

"""The Helm chart: its manifests, its validation of values, and real clusters with it."""

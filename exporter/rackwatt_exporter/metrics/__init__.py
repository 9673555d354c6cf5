"""Metric families and their text: what Prometheus reads, and nothing of where numbers come from."""

"""The page for Prometheus: which families there are, and their text."""

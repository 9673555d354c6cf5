"""The Helm chart: what it renders, what it refuses, what becomes of it in a real cluster."""

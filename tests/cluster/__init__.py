"""A real Kubernetes for tests: its control plane, who may log in to it, what was asked of it."""

"""A real Kubernetes control plane for tests, with its clients, credentials and audit log."""

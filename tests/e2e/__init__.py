"""Rackwatt on a real Kubernetes node, from `helm install` to Prometheus' own answers: `make e2e`."""

"""Nodes of the Kubernetes cluster, measured from inside: collectors and their requirements."""

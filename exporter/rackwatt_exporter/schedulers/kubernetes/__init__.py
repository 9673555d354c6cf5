"""Kubernetes as a scheduler: nodes and pods are listed once, and watched from then on."""

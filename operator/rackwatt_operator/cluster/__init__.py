"""The Kubernetes API: who we are there, what it has, what was last seen of it."""

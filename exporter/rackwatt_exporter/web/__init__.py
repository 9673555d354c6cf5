"""The HTTP side: the page for Prometheus, the status, the plain page for people."""

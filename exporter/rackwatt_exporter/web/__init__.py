"""The HTTP side: the page for Prometheus, the status, the fleet page for people."""

"""The HTTP API: what a request means, and how an answer is written."""

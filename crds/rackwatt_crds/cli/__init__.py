"""Command-line flags that both programs share."""

"""Documents resolved into configuration: every default filled in, nothing left to decide."""

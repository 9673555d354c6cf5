"""Settings of schedulers, one module for each."""

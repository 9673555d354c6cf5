"""The settings of schedulers: one module for each."""

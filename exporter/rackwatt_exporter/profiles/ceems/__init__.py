"""The families of ceems_exporter 0.5 and 0.10."""

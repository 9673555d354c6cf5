"""One module for each part of a snapshot: the metric families that are made of it."""

"""From a key in the work queue to applied children and a status."""

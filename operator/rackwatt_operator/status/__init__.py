"""Status of a document: pure functions from what was observed to its status."""

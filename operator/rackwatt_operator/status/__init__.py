"""What is said of a document: pure functions from what was found out to its status."""

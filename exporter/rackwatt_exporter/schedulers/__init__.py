"""One module for each scheduler that knows the state of nodes."""

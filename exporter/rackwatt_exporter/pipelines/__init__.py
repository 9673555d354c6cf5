"""One pipeline for each kind of thing that is measured, from its configuration to its families."""

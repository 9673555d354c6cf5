"""What belongs to a document: a pure function from it to manifests, one module for each kind."""

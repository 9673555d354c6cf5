"""The manifests of a document, one module for each kind of object."""

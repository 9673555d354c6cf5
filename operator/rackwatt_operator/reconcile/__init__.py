"""From a document's name to a cluster that has what belongs to it, and a status that says so."""

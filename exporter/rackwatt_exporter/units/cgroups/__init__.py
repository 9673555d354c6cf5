"""Control groups of both versions: which hierarchies there are, and what a group has used."""

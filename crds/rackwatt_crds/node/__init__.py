"""The nodes of this cluster, measured from inside: which collectors, and what each one needs."""

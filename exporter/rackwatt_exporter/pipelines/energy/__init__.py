"""The ledger of this machine's energy, fed with what its collectors and managers have read."""

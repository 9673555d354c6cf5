"""A simulated BMC that speaks IPMI."""

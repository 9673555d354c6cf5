"""BMCs that speak IPMI over LAN: DCMI power readings and named sensors."""

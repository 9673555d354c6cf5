"""Energy of units: of the counters that the ledgers of nodes keep, or what comes next to that."""

"""PDUs and BMCs that speak SNMP: sums of objects and table rows."""

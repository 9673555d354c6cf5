"""A simulated SNMP agent."""

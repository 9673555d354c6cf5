"""SNMP versions 1, 2c and 3: messages, security, and a client."""

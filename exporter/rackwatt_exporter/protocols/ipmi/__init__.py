"""IPMI 2.0 over RMCP+: packets, handshake, sessions, commands and sensor data records."""

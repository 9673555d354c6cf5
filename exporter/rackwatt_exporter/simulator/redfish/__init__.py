"""A simulated Redfish service."""

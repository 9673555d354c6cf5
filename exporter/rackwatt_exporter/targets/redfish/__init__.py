"""Redfish services: where the watts of the whole machine are, and how they are read."""

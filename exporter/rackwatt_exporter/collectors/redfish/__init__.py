"""The power of the node by its own BMC, over Redfish."""

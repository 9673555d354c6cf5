"""A real Keystone and a real Ironic."""

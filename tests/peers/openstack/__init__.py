"""A real OpenStack: Keystone, Ironic, Nova's API and Placement."""

"""OpenStack: a token of Keystone, Nova's hypervisors and servers, Ironic's nodes."""

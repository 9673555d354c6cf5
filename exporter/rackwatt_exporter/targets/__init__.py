"""Drivers of BMCs and PDUs: a module or package for each method, and their registry."""

"""A fleet of BMCs and PDUs: its hosts, and one module for each method of reading them."""

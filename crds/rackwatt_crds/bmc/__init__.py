"""A fleet of BMCs and PDUs: where they are, how each is asked, and one module for each method."""

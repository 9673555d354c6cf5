"""Energy of a node, divided between its units: pure arithmetic, in integer microjoules."""

"""What is rendered for a scrape: the lines of the fleet, and families of the exporter itself."""

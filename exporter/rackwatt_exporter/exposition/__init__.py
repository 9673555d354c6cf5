"""What is rendered for a scrape: cached lines of the fleet, and families of the exporter itself."""

"""What each dashboard shows, and how Grafana is told."""

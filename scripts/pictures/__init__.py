"""The pictures of the documentation: pages of the exporters, alerts, and Grafana's panels."""

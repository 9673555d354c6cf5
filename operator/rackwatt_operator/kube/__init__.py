"""The API server: client, credentials, what was last seen of objects, leader election."""

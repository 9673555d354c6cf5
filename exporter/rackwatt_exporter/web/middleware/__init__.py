"""What each request passes before its handler: authentication, limits, timeouts."""

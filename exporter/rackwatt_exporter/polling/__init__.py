"""When a source is asked, how often, how long it may take and what follows a failure."""

"""What accounting is about: units, windows of time, calendars, associations."""

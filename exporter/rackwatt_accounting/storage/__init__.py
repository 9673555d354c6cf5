"""The database: units, their days and sums, cursors, names; SQLite or PostgreSQL by one code."""

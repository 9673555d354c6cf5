"""Properties of units that control groups do not have: who owns one, and what it is called."""

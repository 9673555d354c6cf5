"""Documents resolved into settings: every default applied, every unit converted, every mistake."""

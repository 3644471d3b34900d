"""Word lists that all lexicons share."""

"""Reading folders from outside."""

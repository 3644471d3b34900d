"""What asks for help or offers it, and what speaks against it."""

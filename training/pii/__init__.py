"""How the shipped tagger of names and places was made: weak labels, templates, training. See README.md here."""

"""The shipped tagger bundle; a package so that the distribution carries it. See card.md."""

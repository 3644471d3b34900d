"""Keyword rule files as shipped (docs/keywords.md); a site may name folders of its own instead or besides."""

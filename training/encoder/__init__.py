"""How the shipped encoder bundles were made; README.md gives the commands. Training-only: nothing here is installed."""

"""How the gazetteer that udfs/places ships was made."""

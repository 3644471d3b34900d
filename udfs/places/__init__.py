"""Places in posts: province, city, county, town, and the shared places below them.

``step.Locate`` is the step; ``gazetteer.Gazetteer`` is for whoever needs a division by its code, or a city's districts.
"""

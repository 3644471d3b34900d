"""The situation brief on paper: from a plain structure to one HTML file or one DOCX. No store, no clock, no network.

`content` is what a brief says, `words` how it is said in Chinese and English, `html` and `document` the two
renderings, `charts` and `areamap` the drawings (SVG), `markup` the escaping. `pipelines/store/brief.py` fills the
structure.
"""

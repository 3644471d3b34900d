"""One file a recogniser, or a small family. A class here with an ENTITY is registered (``udfs.pii.registry``)."""

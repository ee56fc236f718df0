"""A model as an archive that needs nothing of AWS."""

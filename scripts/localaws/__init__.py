"""An embedded AWS: moto in one process, and what moto lacks: Lambda that runs."""

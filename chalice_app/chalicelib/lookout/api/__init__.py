"""The Lookout for Vision API: its contract, and the operations that answer it."""

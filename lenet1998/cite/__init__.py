"""BibTeX, and tables ready to paste."""

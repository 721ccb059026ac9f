"""The start page: its first explorer and its first exercise."""

"""The foundations chapter's explorers, one file an object."""

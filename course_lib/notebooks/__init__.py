"""Notebooks as files: executed, tidied, searched for answers, carried over to a new version, opened."""

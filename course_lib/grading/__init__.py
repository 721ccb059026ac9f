"""Grading notebooks: reading answers, running them in another process, reports."""

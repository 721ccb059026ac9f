"""Figures: NumPy arrays in, a matplotlib `Figure` out. Nothing here knows of models, widgets or global state."""

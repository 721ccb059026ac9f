"""The explorers of 00_start_here."""

"""The exercises of the foundations chapter, one folder a section."""

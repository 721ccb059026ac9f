"""The exercises of the tensor chapter, one file a section."""

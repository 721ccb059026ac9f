"""The exercises of the recurrent chapter, one file a section."""

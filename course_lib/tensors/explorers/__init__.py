"""The tensor chapter's explorers, one file a section."""

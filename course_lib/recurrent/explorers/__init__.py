"""The recurrent chapter's explorers, one file a section."""

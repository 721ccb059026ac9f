"""Data sets: one file each, arrays out, with source, licence, shapes and units."""

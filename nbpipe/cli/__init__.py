"""The terminal's face: one verb a file, each imported when it is used."""

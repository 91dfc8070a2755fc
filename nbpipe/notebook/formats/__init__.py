"""Values of notebooks, kept in files by code that a script can hold."""

"""Interpreters and what is installed in them: what of a step's environment counts for reuse."""

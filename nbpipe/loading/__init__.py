"""Pipelines from files: a notebook, a Python file or a saved graph, read for the pipeline it declares."""

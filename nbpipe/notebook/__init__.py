"""The notebook's face: cells become steps, magics plan and run them, notebook files are loaded."""

"""How pipelines, plans and runs look and speak: SVG, text tree, tables, the live terminal."""

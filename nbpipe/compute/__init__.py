"""Where a step's process runs: backends, which know processes and nothing of pipelines."""

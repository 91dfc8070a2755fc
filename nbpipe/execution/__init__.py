"""Running a frozen graph: staging, fingerprints, processes, and the runner that ties them together."""

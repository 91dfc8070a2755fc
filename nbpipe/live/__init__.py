"""The live graph: one board a pipeline, followed by threads, shown to any number of views by numbered messages."""

"""What works on a machine that sees none of our files: it keeps objects, lays out folders, runs jobs there."""

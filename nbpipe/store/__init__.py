"""What outlives a process: immutable objects, results, runs and the digests of files, in `.nbpipe`."""

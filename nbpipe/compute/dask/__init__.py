"""A Dask cluster: `nbpipe-steps[dask]`."""

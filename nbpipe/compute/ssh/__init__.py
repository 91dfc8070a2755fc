"""Another machine over SSH: `nbpipe-steps[ssh]`."""

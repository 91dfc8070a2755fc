"""What the kernel answers the inspector: one noun a file, read from the store, nothing executed."""

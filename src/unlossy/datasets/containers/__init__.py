"""Files that hold images: one module per kind, one line each in `registry.CONTAINERS`."""

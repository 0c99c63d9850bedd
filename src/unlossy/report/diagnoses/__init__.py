"""Where the loss comes from, drawn: one module per kind of diagnosis."""

"""Tasks: a model and its yardstick."""

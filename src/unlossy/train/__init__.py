"""Training, with the `train` extra: so far the classifier of the demo."""

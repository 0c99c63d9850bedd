"""Model adapters: one file per place that models come from."""

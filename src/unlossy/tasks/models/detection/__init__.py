"""Detectors and instance segmenters: one contract, an adapter for each library."""

"""Semantic segmenters: one contract, an adapter for each library, and the maps between sets of classes."""

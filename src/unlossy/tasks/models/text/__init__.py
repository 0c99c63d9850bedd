"""Readers of text, by model SPEC."""

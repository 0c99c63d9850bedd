"""Procedural scenes, drawn with arithmetic that gives the same bytes on every machine."""

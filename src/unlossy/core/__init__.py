"""Errors, types, blobs and array conversions that every other package stands on."""

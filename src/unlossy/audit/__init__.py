"""What compression has done to a dataset, read from the bytes of its files.

Modules are imported by name (`unlossy.audit.scan`, `.rows`, `.verdict`), so that one that needs pyarrow costs nobody
else its import.
"""

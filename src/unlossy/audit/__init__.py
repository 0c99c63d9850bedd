"""What compression has done to a dataset, read from the bytes of its files."""

from unlossy.audit.rows import AuditRow
from unlossy.audit.scan import audit_dataset
from unlossy.audit.summary import Summary, summarise

__all__ = ["AuditRow", "Summary", "audit_dataset", "summarise"]

"""The report: one HTML file that opens anywhere, made from RUN folders alone. Reads rows and pictures, runs nothing."""

from unlossy.report.page import write_report
from unlossy.report.verdict import verdict

__all__ = ["verdict", "write_report"]

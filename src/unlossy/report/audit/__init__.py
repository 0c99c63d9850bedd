"""The report of an audit: one HTML file from its rows, whatever their number."""

"""Metrics: which questions a server is asked, and what its answers measure."""

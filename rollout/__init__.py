"""Promotes a release through its phases, with every decision recorded as YAML in git."""

__version__ = "0.1.0"

"""Promotes a release through its phases, with every decision recorded as YAML in git."""

__version__ = "0.1.0"

NO_PLUGINS = ("PYDANTIC_DISABLE_PLUGINS", "__all__")
"""Variable and value: a command neither looks for plugins of pydantic nor shows them its state.

The search reads the metadata of all that is installed. The contract's commands do not inherit this.
"""

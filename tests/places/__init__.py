"""Where commands run: every place times every sort of command, and what is killed halfway."""

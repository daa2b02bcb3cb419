"""What `verify` recomputes: the state that each commit has to hold, from the one before. Pure."""

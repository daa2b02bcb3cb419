"""GitHub: the state branch and the forge over its API."""

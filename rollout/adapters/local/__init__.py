"""The local forge: pull requests, issues and checks, kept beside the repository."""

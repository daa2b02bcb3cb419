"""The project's own workflow files under act, against the fake hub, with real git."""

"""The outside world: each module fills a port, or reads and writes one kind of file."""

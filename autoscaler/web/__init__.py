"""The HTTP API of a running daemon, over ports.Control."""

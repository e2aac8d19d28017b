"""The only room that names adapters: it builds a daemon, a dry run, and what `plan`, `down` and `doctor` look with."""

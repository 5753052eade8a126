"""Where every process starts: settings, wiring, HTTP, background work, the command line."""

"""Adapters that live in this process: the embedded default and the executable specification."""

"""Ports: Protocols whose docstrings are the specification; adapters keep the promises."""

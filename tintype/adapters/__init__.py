"""Adapters: one technology, one package."""

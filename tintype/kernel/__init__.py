"""Ids, time, cursors, pages, problems and events: plain values, no I/O."""

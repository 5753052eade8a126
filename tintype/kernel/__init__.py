"""Ids, time, cursors, pages, problems, events and notices: plain values, no I/O."""

"""The load harness: synthetic worlds in a real store, open-loop load on them, and its figures.

Only ``tintype bench`` loads this package; a server never does.
"""

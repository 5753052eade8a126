"""``make fleet``: every engine and role of the scale-out on one machine, in the foreground."""

"""``python -m tintype``."""

from tintype.entry.cli import main

main()

"""The home feed: fan-out, timelines, reading."""

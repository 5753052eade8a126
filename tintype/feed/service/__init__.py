"""Use cases of the feed."""

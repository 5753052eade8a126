"""Redis: timelines, the cache, notices and rate limits, shared by many processes."""

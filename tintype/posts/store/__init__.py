"""The SQL of the posts slice, one function a query: posts, reactions, comments, hashtags."""

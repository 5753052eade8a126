"""Blobs in a bucket of S3 or of a server that speaks like it.

Only the settings are at this door: the rest brings botocore along, and is imported by whoever
plugs it in.
"""

from tintype.adapters.s3.settings import S3Settings

__all__ = ["S3Settings"]

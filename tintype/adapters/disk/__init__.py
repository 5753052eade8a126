"""Blobs on a local disk, with the signed-part protocol of S3."""

from tintype.adapters.disk.blobs import DiskBlobs, DiskSettings
from tintype.adapters.disk.routes import part_routes

__all__ = ["DiskBlobs", "DiskSettings", "part_routes"]

"""The engines that adapters are held against."""

from tests.engines_s3 import s3_server, s3_settings, toxiproxy

__all__ = ["s3_server", "s3_settings", "toxiproxy"]

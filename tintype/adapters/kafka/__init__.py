"""The log of events on Kafka.

Only the settings are at this door: the rest brings the client library along, and is imported by
whoever plugs it in.
"""

from tintype.adapters.kafka.settings import KafkaSettings

__all__ = ["KafkaSettings"]

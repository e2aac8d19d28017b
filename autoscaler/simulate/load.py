"""What one engine hands to the other."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """Ready replicas, how many requests they work on, and when those came that wait."""

    ready: int
    in_service: int
    queued: tuple[float, ...]

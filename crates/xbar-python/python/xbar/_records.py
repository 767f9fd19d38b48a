"""What configurations and discoveries consist of."""

from typing import NamedTuple, Optional


class SizeClass(NamedTuple):
    """Blocks of one size, beside those of the region's `block_bytes`: for topics of larger or smaller messages."""

    block_bytes: int
    topics: int = 1
    depth: int = 4
    samples: int = 1
    loans: int = 1
    blocks: int = 0
    """0: counted, so that they can never run out."""


class TopicInfo(NamedTuple):
    """A topic that was found."""

    uri: str
    published: int
    """Messages so far."""
    publishers: int
    """Those alive."""
    delivery: str
    """`"lossy"`, `"lossless"` or `"pinned"`."""
    many_publishers: bool
    value_type: Optional[str]
    depth: int
    block_bytes: Optional[int]
    capacity_bytes: Optional[int]
    """Of a byte bus."""


class RegionInfo(NamedTuple):
    """A region that was found."""

    name: str
    epoch: int
    publishers: int
    subscribers: int
    footprint_bytes: int
    created_unix_ns: int
    creator_pid: int
    last_active_unix_ns: Optional[int]
    topics: list[TopicInfo]

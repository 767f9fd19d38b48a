"""Streams of messages kept on disk: appended by one writer, replayed from anywhere or tailed live by any number of readers."""

from ._xbar import Reader, Record, Writer

__all__ = ["Reader", "Record", "Writer"]

"""What can go wrong: the class says what to do about it, the words are the library's."""


class Error(Exception):
    """Whatever xbar says no to. Of this class itself: the system's refusals."""


class Timeout(Error, TimeoutError):
    """Nothing came in time, or what was waited for did not appear: wait for longer."""


class Lagged(Error):
    """Messages were overwritten, deleted or damaged before they were received. Told once; the next receive goes on behind them."""

    missed: int
    """How many, exactly."""

    def __init__(self, message: str, missed: int) -> None:
        super().__init__(message, missed)
        self.missed = missed

    def __str__(self) -> str:
        return str(self.args[0])


class Disconnected(Error):
    """The other side is gone, and everything was received: connect again when there is a new one."""


class Full(Error):
    """There is no room now: a lossless topic waits for its slowest reader. Try again."""


class Limit(Error):
    """As many are out as may be (samples, loans, subscribers, topics ...): release one, or create the region with more."""


class NotFound(Error, LookupError):
    """There is no region, topic, log, message or request like that."""


class Taken(Error):
    """Somebody alive has the name."""


class Invalid(Error, ValueError):
    """A name, number, size or configuration that cannot be, or that is not what is there."""


class Closed(Error):
    """The handle was closed, or what it held was published, answered or released before."""


class Busy(Error):
    """Another thread uses the handle at this moment: use one a thread."""


class Refused(Error):
    """The server dropped the request without an answer."""


class NoSpace(Error):
    """There is no room for another region or segment: make some."""


class Damaged(Error):
    """A region or log whose memory or files somebody damaged."""

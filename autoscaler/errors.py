"""What can go wrong on the outside: what, where, and how to put it right, in one line.

The type says who is at fault and whether trying again can help. What isn't an `AutoscalerError` is a bug of ours.
"""


class AutoscalerError(Exception):
    """Three fields, one line: `where: what; fix`."""

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.where}: {self._told()}" if self.where else self._told()

    def _told(self) -> str:
        return f"{self.what}; {self.fix}" if self.fix else self.what


class UsageError(AutoscalerError):
    """A command, flag or request that can't be meant: exit status 2, HTTP 400."""


class PolicyError(AutoscalerError):
    """A policy file that can't be used: exit status 2."""


class EngineError(AutoscalerError):
    """The runtime refused or failed one operation, in its own words."""


class EngineUnavailable(EngineError):
    """The runtime did not answer: it may be down, and the same call may go through later."""


class ImageError(EngineError):
    """An image can't be had: not found, not allowed, not built. `retry_after_s` is the registry's word, if it gave any."""

    def __init__(self, what: str, *, where: str = "", fix: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(what, where=where, fix=fix)
        self.retry_after_s = retry_after_s


class ProxyError(AutoscalerError):
    """The proxy refused or failed one operation."""


class ProxyUnavailable(ProxyError):
    """The proxy did not answer: it may be down or restarting."""


class SourceError(AutoscalerError):
    """A metric can't be had from its source."""


class SourceUnavailable(SourceError):
    """The source did not answer as it should: it may be down, and is asked less often while it is."""


class StateError(AutoscalerError):
    """The state dir can't be used."""


class DaemonUnavailable(AutoscalerError):
    """No daemon answers where one was looked for: exit status 1."""

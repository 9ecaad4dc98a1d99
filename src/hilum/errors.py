"""Every way a transaction fails. Named for conditions; `web/errors.py` gives each its HTTP status."""


class TransactionError(Exception):
    """A transaction of PS3.18 cannot be carried out; the message is one sentence to the user agent."""

    def __init__(self, message: str = "", *, warning: str = "") -> None:
        """Say what is wrong.

        Args:
            message: one sentence to the user agent.
            warning: the sentence that the standard prints for the Warning header, '' if it prints none.
        """
        super().__init__(message)
        self.warning = warning


class InvalidRequest(TransactionError):
    """The request's syntax or a value in it is wrong."""


class TargetNotFound(TransactionError):
    """The target resource does not exist on this origin server."""


class TargetGone(TransactionError):
    """The target resource was deleted."""


class NotAcceptable(TransactionError):
    """None of the acceptable media types can be produced for the target resource."""


class UnsupportedMediaType(TransactionError):
    """The payload's media type is not supported by the transaction."""


class PayloadTooLarge(TransactionError):
    """The payload, or the result of a search, exceeds a limit of this origin server."""


class OutOfResources(TransactionError):
    """Storage is full or the index cannot take more at the moment; the request may be repeated later."""


class Forbidden(TransactionError):
    """The request is understood and refused: a foreign origin or host."""


class NotAuthenticated(TransactionError):
    """The request carries no valid bearer token."""


class RequestCutShort(TransactionError):
    """The user agent went away before its request was complete."""


class ContentUnavailable(TransactionError):
    """The target resource is known, but its bytes cannot be read now (Instance Availability OFFLINE or UNAVAILABLE)."""


class RangeNotSatisfied(TransactionError):
    """The byte range lies behind the end of the representation."""

    def __init__(self, message: str, *, size: int = 0) -> None:
        """Keep the size of the representation in bytes."""
        super().__init__(message)
        self.size = size


class InstanceCommitted(TransactionError):
    """This origin server has committed itself to keep an instance of the target resource."""


class TransactionUidInUse(TransactionError):
    """The Transaction UID names another request already."""


class StateConflict(TransactionError):
    """The request is inconsistent with the state of the target resource."""

"""The one vocabulary of errors, and its table to gRPC and HTTP.

ServiceError
├── InvalidArgument        400   the caller must change the request
├── Unauthenticated        401
├── PermissionDenied       403
├── NotFound               404
├── Conflict               412   the thing changed meanwhile: read it again
├── PreconditionFailed     412   the state must change first
│   └── Gone               410   it was there, and will not come back
├── TooLarge               413
├── Overloaded             429   try again later
├── Internal               500   a bug
├── Unavailable            503   try again soon
└── DeadlineExceeded       504
SetupError                       a program cannot start; one sentence, no traceback
"""

from enum import Enum


class Code(Enum):
    """The codes in use: gRPC number, HTTP status and title."""

    INVALID_ARGUMENT = (3, 400, "Invalid argument")
    DEADLINE_EXCEEDED = (4, 504, "Deadline exceeded")
    NOT_FOUND = (5, 404, "Not found")
    PERMISSION_DENIED = (7, 403, "Permission denied")
    RESOURCE_EXHAUSTED = (8, 429, "Too many requests")
    FAILED_PRECONDITION = (9, 412, "Precondition failed")
    ABORTED = (10, 412, "Changed meanwhile")
    OUT_OF_RANGE = (11, 413, "Too large")
    INTERNAL = (13, 500, "Internal error")
    UNAVAILABLE = (14, 503, "Unavailable")
    UNAUTHENTICATED = (16, 401, "Unauthenticated")

    @property
    def grpc_number(self) -> int:
        """The number of the gRPC status code."""
        return self.value[0]

    @property
    def http_status(self) -> int:
        """The HTTP status."""
        return self.value[1]

    @property
    def title(self) -> str:
        """A short title for people."""
        return self.value[2]

    @classmethod
    def of_grpc(cls, number: int) -> "Code":
        """Returns the code of a gRPC number; one that is not in the table is INTERNAL."""
        return next((code for code in cls if code.grpc_number == number), cls.INTERNAL)


class ServiceError(Exception):
    """An error that may be told to the caller.

    Args:
        message: What is wrong and the way out; lower case, no full stop, no echo of the input.
        field: Path of the field at fault, such as ``parts[1].weight``.
        retry_after_s: Seconds after which another try makes sense.
    """

    code = Code.INTERNAL

    def __init__(
        self, message: str, *, field: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after_s = retry_after_s

    @property
    def http_status(self) -> int:
        """The HTTP status: that of its code, unless HTTP has a better word for it."""
        return self.code.http_status

    @property
    def title(self) -> str:
        """A short title for people."""
        return self.code.title


class InvalidArgument(ServiceError):
    """The request is malformed, whatever the state of the system."""

    code = Code.INVALID_ARGUMENT


class Unauthenticated(ServiceError):
    """No key, or an unknown one."""

    code = Code.UNAUTHENTICATED


class PermissionDenied(ServiceError):
    """The key lacks the scope."""

    code = Code.PERMISSION_DENIED


class NotFound(ServiceError):
    """The thing does not exist."""

    code = Code.NOT_FOUND


class Conflict(ServiceError):
    """The thing is not as the caller supposes, since somebody else changed it: read it again."""

    code = Code.ABORTED


class PreconditionFailed(ServiceError):
    """The system is in another state than the request supposes."""

    code = Code.FAILED_PRECONDITION


class Gone(PreconditionFailed):
    """The thing was there, and will not come back: begin anew."""

    @property
    def http_status(self) -> int:
        """410 Gone, for which gRPC has no code of its own."""
        return 410

    @property
    def title(self) -> str:
        """A short title for people."""
        return "Gone"


class TooLarge(ServiceError):
    """The body or the photo is over a limit."""

    code = Code.OUT_OF_RANGE


class Overloaded(ServiceError):
    """There is no capacity for this request now."""

    code = Code.RESOURCE_EXHAUSTED


class Unavailable(ServiceError):
    """A stage that the request needs does not answer."""

    code = Code.UNAVAILABLE


class DeadlineExceeded(ServiceError):
    """The budget is spent."""

    code = Code.DEADLINE_EXCEEDED


class Internal(ServiceError):
    """A bug; the text never leaves the process."""

    code = Code.INTERNAL


def of_code(code: Code, message: str, *, field: str | None = None) -> ServiceError:
    """Returns the error of a code, as a client rebuilds what a stage answered."""
    kinds = {kind.code: kind for kind in ServiceError.__subclasses__()}
    return kinds[code](message, field=field)


class SetupError(Exception):
    """A program cannot start or go on; its message is one sentence with the way out."""

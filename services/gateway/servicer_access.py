"""Guards the methods of the gRPC door: each needs a scope."""

from collections.abc import Callable
from types import MappingProxyType

from services.gateway.access import Access
from services.gateway.keys import ACT_AS_USER, ERASE, READ, WRITE, current_caller

_SCOPES = MappingProxyType(
    {
        "UpsertProducts": WRITE,
        "DeleteProduct": WRITE,
        "RecordInteractions": WRITE,
        "ListInteractions": ACT_AS_USER,
        "DeleteUser": ERASE,
    }
)
# Who knows the hash of a photo has seen it.
_OPEN = frozenset({"GetImage"})


def admission(access: Access) -> Callable[[str, str], None]:
    """What the server asks before each call; a method that is not listed needs ``read``."""

    def admit(method: str, authorization: str) -> None:
        name = method.rsplit("/", 1)[-1]
        if name in _OPEN:
            return
        caller = access.caller(authorization)
        caller.require(_SCOPES.get(name, READ))
        current_caller.set(caller)

    return admit

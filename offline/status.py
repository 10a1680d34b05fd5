"""Shows what runs on a data folder."""

from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from offline.readiness import answers
from offline.run_state import Member, RunState


@dataclass(frozen=True, slots=True)
class MemberStatus:
    """One process: ``state`` is "ready", "running" (not ready yet) or "dead"."""

    name: str
    state: str
    pid: int
    address: str
    restarts: int
    last_exit: str


def look(state: RunState) -> list[MemberStatus]:
    """Asks every process how it is."""
    return [
        MemberStatus(
            member.name,
            _state(member),
            member.pid,
            member.address,
            member.restarts,
            member.last_exit,
        )
        for member in state.members
    ]


def _state(member: Member) -> str:
    if not member.identity.alive():
        return "dead"
    return "ready" if answers(member.readiness) else "running"


def as_json(state: RunState, members: list[MemberStatus]) -> dict[str, object]:
    """Returns the status for programs."""
    return {
        "url": state.url,
        "grpc": state.grpc,
        "ready": state.ready,
        "members": [asdict(member) for member in members],
    }


def show(state: RunState, members: list[MemberStatus]) -> None:
    """Prints the status for a person."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("process", "state", "pid", "address", "restarts"):
        table.add_column(name, overflow="fold")
    for member in members:
        again = f"{member.restarts} ({member.last_exit})" if member.last_exit else "0"
        table.add_row(member.name, member.state, str(member.pid), member.address, again)
    console = Console()
    console.print(f"REST {state.url}   gRPC {state.grpc}", highlight=False)
    console.print(table)

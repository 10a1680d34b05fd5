"""Shows what runs on a data folder."""

from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from offline.readiness import Answer, ask
from offline.run_state import Member, RunState


@dataclass(frozen=True, slots=True)
class MemberStatus:
    """One process: ``state`` is "ready", "running" (not ready yet) or "dead".

    ``remark`` is what the process says is wrong, such as a release that it refuses although it
    serves the one before; empty where nothing is.
    """

    name: str
    state: str
    pid: int
    address: str
    restarts: int
    last_exit: str
    remark: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it is ready, and serves what it should."""
        return self.state == "ready" and not self.remark


def look(state: RunState) -> list[MemberStatus]:
    """Asks every process how it is."""
    return [_status(member) for member in state.members]


def _status(member: Member) -> MemberStatus:
    alive = member.identity.alive()
    answer = ask(member.readiness) if alive else Answer(False, "")
    state = "ready" if answer.ready else "running" if alive else "dead"
    return MemberStatus(
        member.name,
        state,
        member.pid,
        member.address,
        member.restarts,
        member.last_exit,
        answer.words,
    )


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
    if any(member.remark for member in members):
        table.add_column("remark", overflow="fold")
    for member in members:
        again = f"{member.restarts} ({member.last_exit})" if member.last_exit else "0"
        row = [member.name, member.state, str(member.pid), member.address, again]
        # As text: a path may hold brackets, which would be taken for styles.
        table.add_row(*row, *([Text(member.remark)] if member.remark else []))
    console = Console()
    console.print(f"REST {state.url}   gRPC {state.grpc}", highlight=False)
    console.print(table)

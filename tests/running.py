"""A house of real processes, as a test sees it: asks it, kills its members, waits for them."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from offline import run_state
from offline.layout import DataDir
from offline.readiness import answers
from offline.run_state import Member, RunState
from tests.waiting import eventually

Json = dict[str, Any]


@dataclass(frozen=True)
class Running:
    """What runs on a data folder.

    Args:
        data: The folder, on which ``up_detached`` has returned.
    """

    data: DataDir

    @property
    def state(self) -> RunState:
        state = run_state.read(self.data)
        assert state is not None, "the house is down"
        return state

    @property
    def rest_url(self) -> str:
        return self.state.url

    @property
    def grpc_target(self) -> str:
        return self.state.grpc

    def members(self, stage: str) -> list[Member]:
        return [member for member in self.state.members if member.stage == stage]

    def target(self, stage: str) -> str:
        """Where the first replica of a stage answers."""
        return self.members(stage)[0].address

    def search(self, **request: Any) -> Json:
        """Searches over REST; anything but 200 fails the test.

        The budget is the largest: what is promised here does not depend on a quick machine.
        """
        answer = self.post("/v1/search", {"budget_ms": 5000, **request})
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        return body

    def post(self, path: str, body: object) -> httpx.Response:
        return httpx.post(self.rest_url + path, json=body, timeout=10)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.rest_url + path, timeout=10)

    def delete(self, path: str) -> httpx.Response:
        return httpx.delete(self.rest_url + path, timeout=10)

    @contextmanager
    def without(self, stage: str) -> Iterator[None]:
        """Kills all replicas of a stage for the time of the block, and waits for the recovery."""
        with self.unattended():
            for member in self.members(stage):
                os.kill(member.pid, signal.SIGKILL)
            for member in self.members(stage):
                eventually(partial(_is_gone, member))
            yield
        self.await_whole()

    @contextmanager
    def unattended(self) -> Iterator[None]:
        """Stops the supervisor for a while, so that it does not start the dead again."""
        supervisor = self.state.pid
        os.kill(supervisor, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(supervisor, signal.SIGCONT)

    def await_whole(self) -> None:
        """Waits until every member runs and is ready, and the gateway finds all of them."""
        eventually(
            lambda: all(
                member.identity.alive() and answers(member.readiness)
                for member in self.state.members
            ),
            within_s=120,
        )
        eventually(self._answers_whole, within_s=120)

    def _answers_whole(self) -> bool:
        # A user and words need every stage; another word each time needs the encoder too.
        answer = self.post(
            "/v1/search",
            {"text": f"shirt {time.monotonic_ns()}", "user_id": "u-0001", "budget_ms": 5000},
        )
        return answer.status_code == 200 and not answer.json()["degraded"]


def ids(answer: Json) -> list[str]:
    """The products of an answer, in order."""
    return [hit["product"]["id"] for hit in answer["hits"]]


def _is_gone(member: Member) -> bool:
    if not member.readiness:
        return not member.identity.alive()
    return not answers(member.readiness, timeout_s=0.2)

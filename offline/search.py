"""Asks a running gateway over REST, as any client would."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from runtime.errors import SetupError

TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask: words, a photo or both; for whom; how many hits; and whether to say why.

    ``exclude`` says what no hit may be, and alone lists all the rest; ``literal`` takes the words
    as they stand.
    """

    text: str = ""
    image: Path | None = None
    user: str = ""
    count: int = 12
    why: bool = False
    exclude: tuple[str, ...] = ()
    literal: bool = False


def ask(url: str, question: Question, *, key: str = "") -> dict[str, object]:
    """Returns the gateway's answer.

    Args:
        url: Where it is.
        question: What to ask.
        key: The API key; empty where none is asked for.

    Raises:
        SetupError: Nothing is asked, the photo cannot be read, nobody answers, or the gateway
            refuses.
    """
    if not question.text and question.image is None and not question.exclude:
        raise SetupError(
            'ask for something: hemline search "red dress", --image photo.jpg or --exclude black'
        )
    body: dict[str, object] = {"page_size": question.count, "explain": question.why}
    if question.text:
        body["text"] = question.text
    if question.user:
        body["user_id"] = question.user
    if question.exclude:
        body["exclude"] = list(question.exclude)
    if question.literal:
        body["understand"] = {"enabled": False}
    try:
        # A proxy of the environment is for the outside, not for the shop's own gateway.
        with httpx.Client(
            base_url=url, timeout=TIMEOUT_S, trust_env=False, headers=_bearer(key)
        ) as client:
            return _answer(_post(client, body, question.image))
    except httpx.InvalidURL as problem:
        raise SetupError(f"{url} is not a URL") from problem
    except httpx.TransportError as problem:
        raise SetupError(f"nobody answers at {url}: is hemline up?") from problem


def hits_of(answer: dict[str, object]) -> list[dict[str, Any]]:
    """Returns the hits of an answer.

    Raises:
        SetupError: It has none, not even an empty list: another program answered.
    """
    hits = answer.get("hits")
    if not isinstance(hits, list):
        raise SetupError("the answer holds no hits: is this a gateway?")
    return hits


def _bearer(key: str) -> dict[str, str]:
    if not key:
        return {}
    if not (key.isascii() and key.isprintable()):
        raise SetupError("HEMLINE_API_KEY holds no API key")
    return {"Authorization": f"Bearer {key}"}


def _post(client: httpx.Client, body: dict[str, object], image: Path | None) -> httpx.Response:
    if image is None:
        return client.post("/v1/search", json=body)
    try:
        photo = image.read_bytes()
    except OSError as problem:
        raise SetupError(f"cannot read {image}: {problem.strerror}") from problem
    body["parts"] = [{"image": {"upload": "image"}}]
    return client.post(
        "/v1/search",
        files={
            "request": (None, json.dumps(body), "application/json"),
            "image": (image.name, photo, "application/octet-stream"),
        },
    )


def _answer(response: httpx.Response) -> dict[str, object]:
    try:
        body = response.json()
    except ValueError as problem:
        raise SetupError(
            f"{response.url.host} does not speak as a gateway (HTTP {response.status_code})"
        ) from problem
    if response.status_code == 401:
        raise SetupError("the gateway asks for an API key: set HEMLINE_API_KEY")
    if response.status_code != 200:
        detail = body.get("detail") or body.get("title") or "no reason given"
        field = f" ({body['field']})" if body.get("field") else ""
        raise SetupError(f"the gateway refused: {detail}{field}")
    return dict(body)

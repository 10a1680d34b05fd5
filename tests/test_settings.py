"""Promises of the settings: read once, from a mapping, failing by name."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runtime.errors import SetupError
from runtime.settings import environment, load


@dataclass(frozen=True, slots=True)
class Settings:
    artifact_dir: Path
    workers: int = 2
    poll_s: float = 5.0
    is_verbose: bool = False
    hosts: tuple[str, ...] = ()
    key_file: Path | None = None
    cache_secret: str = field(default="", metadata={"secret": True})
    slots: int = field(default=1, metadata={"secret": True})


REQUIRED = {"HEMLINE_ARTIFACT_DIR": "/a"}


def test_values_take_the_type_of_their_field() -> None:
    told = {
        **REQUIRED,
        "HEMLINE_WORKERS": "4",
        "HEMLINE_POLL_S": "0.5",
        "HEMLINE_IS_VERBOSE": "yes",
        "HEMLINE_HOSTS": "a, b,,c",
        "HEMLINE_KEY_FILE": "/k",
        "HEMLINE_CACHE_SECRET": "s",
    }
    assert load(Settings, told) == Settings(
        Path("/a"), 4, 0.5, True, ("a", "b", "c"), Path("/k"), "s"
    )


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(SetupError, match="HEMLINE_ARTIFACT_DIR is not set"):
        load(Settings, {})


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [("WORKERS", "many", "int"), ("POLL_S", "soon", "float"), ("IS_VERBOSE", "perhaps", "bool")],
)
def test_a_wrong_value_is_named_with_its_type(name: str, value: str, kind: str) -> None:
    with pytest.raises(SetupError, match=f"HEMLINE_{name}: '{value}' is not a valid {kind}"):
        load(Settings, {**REQUIRED, f"HEMLINE_{name}": value})


def test_a_secret_never_stands_in_an_error() -> None:
    with pytest.raises(SetupError) as caught:
        load(Settings, {**REQUIRED, "HEMLINE_SLOTS": "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert "HEMLINE_SLOTS" in str(caught.value)


def test_other_variables_are_not_looked_at() -> None:
    assert load(Settings, {**REQUIRED, "WORKERS": "9", "HEMLINE_UNKNOWN": "x"}).workers == 2


def test_the_environment_of_settings_loads_to_equal_settings() -> None:
    settings = Settings(Path("/a"), 4, 0.5, True, ("a", "b"), None, "s")
    assert load(Settings, environment(settings)) == settings
    assert "HEMLINE_KEY_FILE" not in environment(settings)

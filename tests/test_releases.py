"""Releases are put in force, listed and rolled back as one, and only when they are whole."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from catalog.product import Product
from catalog.store import CatalogStore
from offline.cli import main
from offline.layout import DataDir
from offline.publish import formats
from runtime import manifest
from runtime.artifacts import ArtifactStore, Release
from runtime.durable import replace

FINGERPRINTS = {"image": "fingerprint", "encoder": "fingerprint"}


@dataclass(frozen=True)
class Shop:
    """A data folder with artifacts that hold nothing worth reading, and the command line."""

    data: DataDir
    capsys: pytest.CaptureFixture[str]

    @property
    def store(self) -> ArtifactStore:
        return ArtifactStore(self.data.artifacts)

    def make(
        self, kind: str, text: str, *, seq: int = 7, mark: str = "one", encoder: str = ""
    ) -> str:
        def write(folder: Path) -> Mapping[str, object]:
            (folder / "words.txt").write_text(text)
            return {FINGERPRINTS[kind]: mark} if kind in FINGERPRINTS else {}

        return self.store.publish(
            kind,
            format=formats()[kind],
            seq=seq,
            write=write,
            parents={"encoder": encoder} if encoder else {},
        ).generation

    def make_all(self, text: str, *, seq: int = 7) -> dict[str, str]:
        made = {kind: self.make(kind, text, seq=seq) for kind in ("text", "encoder", "ranking")}
        return made | {"image": self.make("image", text, seq=seq, encoder=made["encoder"])}

    def released(self, text: str, *, seq: int = 7) -> Release:
        return self.store.release(self.make_all(text, seq=seq), seq=seq)

    def run(self, *words: str) -> tuple[int, str, str]:
        """Runs a verb on the folder; returns its exit code, what it printed and what it said."""
        self.capsys.readouterr()
        code = main([*words, "--data", str(self.data.root)])
        out, err = self.capsys.readouterr()
        return code, out, err

    def current(self) -> Release:
        found = self.store.current()
        assert found is not None
        return found

    def damage(self, kind: str, generation: str) -> None:
        path = self.data.artifacts / kind / generation / "words.txt"
        path.unlink()
        path.write_text("damaged")

    def lose(self, kind: str, generation: str) -> None:
        (self.data.artifacts / kind / generation).rename(self.data.root / f"lost-{kind}")


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(DataDir(tmp_path / "shop").create(), capsys)


def test_publish_without_a_name_releases_the_newest_of_each_kind(shop: Shop) -> None:
    shop.make_all("one")
    newest = shop.make_all("two", seq=9)
    code, _, said = shop.run("publish")
    assert code == 0
    assert said.startswith("Release r-000001 is in force: ")
    assert (shop.current().generations, shop.current().seq) == (newest, 9)
    assert shop.run("publish")[0] == 0
    assert shop.current().name == "r-000001"


def test_publish_takes_the_encoder_that_the_image_index_was_made_with(shop: Shop) -> None:
    shop.make("text", "words")
    old = shop.make("encoder", "old")
    shop.make("image", "vectors", encoder=old)
    shop.make("encoder", "new", mark="two")
    assert shop.run("publish")[0] == 0
    assert shop.current().generations["encoder"] == old


def test_a_named_generation_stands_beside_the_others_in_force(shop: Shop) -> None:
    first = shop.released("one")
    older = shop.released("two").generations
    code, _, said = shop.run("publish", "--text", first.generations["text"][:6])
    assert code == 0, said
    assert shop.current().generations == {**older, "text": first.generations["text"]}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["publish", "--text", "000009"], "no generation of text begins with '000009'"),
        (["publish", "--text", "0"], "more than one generation of text begins with '0'"),
        (["rollback", "--to", "r-000009"], "'r-000009' is no release of this folder"),
        (["rollback", "--to", "../CURRENT"], "'../CURRENT' is no release of this folder"),
    ],
)
def test_what_is_not_there_is_refused_in_one_sentence(
    shop: Shop, words: list[str], sentence: str
) -> None:
    shop.released("one")
    before = shop.released("two")
    code, _, said = shop.run(*words)
    assert code == 2
    assert said.startswith("hemline: ")
    assert sentence in said
    assert shop.current() == before


def test_nothing_to_publish_and_nothing_to_go_back_to_are_said(shop: Shop) -> None:
    assert shop.run("publish")[::2] == (
        2,
        "hemline: there is no text index to release: run `hemline build`\n",
    )
    assert shop.run("rollback")[::2] == (
        2,
        "hemline: no release is published yet: run `hemline build`\n",
    )
    shop.released("one")
    code, _, said = shop.run("rollback")
    assert code == 2
    assert "there is no release before r-000001" in said


def test_an_encoder_is_not_released_with_vectors_of_another(shop: Shop) -> None:
    before = shop.released("one")
    other = shop.make("encoder", "other", mark="two")
    code, _, said = shop.run("publish", "--encoder", other)
    assert code == 2
    assert f"was not made with encoder/{other}" in said
    assert shop.current() == before


@pytest.mark.parametrize("kind", ["text", "image", "encoder", "ranking"])
def test_a_damaged_generation_is_not_released(shop: Shop, kind: str) -> None:
    before = shop.released("one")
    made = shop.make_all("two")
    shop.damage(kind, made[kind])
    named = [word for each, name in made.items() for word in (f"--{each}", name)]
    code, _, said = shop.run("publish", *named)
    assert code == 2
    assert f"{kind}/{made[kind]} cannot be released (file_size)" in said
    assert shop.current() == before


def test_rollback_goes_back_and_forward_again(shop: Shop) -> None:
    first, second = shop.released("one", seq=3), shop.released("two", seq=5)
    code, _, said = shop.run("rollback")
    assert code == 0
    assert said == "Release r-000003 is in force: r-000001 again, after r-000002\n"
    back = shop.current()
    assert (back.generations, back.seq) == (first.generations, 3)
    assert (back.restored, back.rolled_back_from) == ("r-000001", "r-000002")
    assert shop.run("rollback", "--to", "r-000002")[0] == 0
    forward = shop.current()
    assert (forward.name, forward.generations, forward.seq) == (
        "r-000004",
        second.generations,
        5,
    )
    assert shop.run("rollback", "--to", "r-000004")[::2] == (
        0,
        "Release r-000004 is in force already\n",
    )


def test_rollback_after_a_rollback_goes_further_back(shop: Shop) -> None:
    made = [shop.released(text) for text in ("one", "two", "three")]
    shop.run("rollback")
    assert shop.current().generations == made[1].generations
    shop.run("rollback")
    assert shop.current().generations == made[0].generations
    assert shop.current().restored == "r-000001"


def test_what_was_never_in_force_is_not_gone_back_to(shop: Shop) -> None:
    first = shop.released("one")
    # A publisher that was killed between its release file and CURRENT.
    made = shop.make_all("two")
    orphan = Release("r-000002", 7, made)
    replace(shop.data.artifacts / "releases" / "r-000002.json", manifest.sealed(orphan.body()))
    third = shop.released("three")
    assert third.replaced == "r-000001"
    assert shop.store.previous() == first
    shop.run("rollback")
    assert shop.current().generations == first.generations


@pytest.mark.parametrize("harm", [Shop.damage, Shop.lose])
@pytest.mark.parametrize("kind", ["text", "image", "encoder", "ranking"])
def test_a_release_whose_artifacts_are_gone_or_damaged_is_not_gone_back_to(
    shop: Shop, kind: str, harm: "partial[None]"
) -> None:
    first, second = shop.released("one"), shop.released("two")
    harm(shop, kind, first.generations[kind])
    code, _, said = shop.run("rollback")
    assert code == 2
    assert f"{kind}/{first.generations[kind]} cannot be released" in said
    assert shop.current() == second


def test_a_release_that_can_no_longer_catch_up_is_not_gone_back_to(shop: Shop) -> None:
    catalog = CatalogStore.open(shop.data.database_url, create=True)
    catalog.upsert([Product(id=name, style_id=name, title=name) for name in "abc"])
    shop.released("one", seq=1)
    second = shop.released("two", seq=3)
    catalog.delete(["a"])
    catalog.purge_tombstones(2**62)
    assert catalog.log_floor() > 1
    code, _, said = shop.run("rollback")
    assert code == 2
    assert "it holds the catalogue up to change 1" in said
    assert shop.current() == second


def test_a_damaged_release_file_is_not_gone_back_to(shop: Shop) -> None:
    shop.released("one")
    second = shop.released("two")
    path = shop.data.artifacts / "releases" / "r-000001.json"
    path.write_text(path.read_text().replace("7", "8"))
    code, _, said = shop.run("rollback", "--to", "r-000001")
    assert code == 2
    assert "nothing is rolled back" in said
    assert shop.current() == second


def test_releases_are_listed_with_what_is_wrong_with_them(shop: Shop) -> None:
    first = shop.released("one", seq=3)
    second = shop.released("two", seq=5)
    shop.run("rollback")
    shop.damage("image", second.generations["image"])
    code, printed, _ = shop.run("releases", "--json")
    assert code == 0
    one, two, three = json.loads(printed)
    assert (one["name"], one["seq"], one["generations"], one["current"], one["refused"]) == (
        "r-000001",
        3,
        dict(first.generations),
        False,
        "",
    )
    assert one["created"].endswith("+00:00")
    assert f"image/{second.generations['image']} cannot be released" in two["refused"]
    assert (three["current"], three["restored"], three["rolled_back_from"]) == (
        True,
        "r-000001",
        "r-000002",
    )


def test_the_list_says_no_when_what_is_in_force_is_damaged(shop: Shop) -> None:
    assert shop.run("releases")[0] == 1
    release = shop.released("one")
    assert shop.run("releases")[0] == 0
    shop.lose("text", release.generations["text"])
    code, printed, _ = shop.run("releases")
    assert code == 1
    assert "generation_missing" in printed.replace("\n", "").replace(" ", "")
    (shop.data.artifacts / "releases" / "r-000001.json").write_text("{}")
    code, printed, _ = shop.run("releases", "--json")
    assert code == 1
    assert json.loads(printed)[0]["refused"]


def test_the_list_is_one_line_a_release_in_80_columns(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    first = shop.released("one", seq=1_000_000)
    second = shop.released("two", seq=1_000_001)
    shop.run("rollback")
    shop.lose("text", second.generations["text"])
    _, printed, _ = shop.run("releases")
    table, remarks = printed.splitlines()[:4], printed.splitlines()[4:]
    assert table[0].split() == ["release", "published", "seq", *sorted(first.generations)]
    assert all(len(line) <= 80 for line in table)
    for line, name, made in zip(table[1:], (3, 2, 1), (first, second, first), strict=True):
        assert f"r-00000{name}" in line
        for generation in made.generations.values():
            number, digest = generation.split("-")
            assert f"{int(number)}-{digest[:4]}" in line
    assert remarks[0] == "r-000003: r-000001 again"
    assert remarks[1].startswith("r-000002: ")
    assert second.generations["text"] in remarks[1]
    assert len(remarks) == 2


def test_a_release_of_an_older_program_is_read(shop: Shop) -> None:
    made = shop.make_all("one")
    body = {"name": "r-000001", "seq": 7, "generations": made}
    home = shop.data.artifacts / "releases"
    home.mkdir(exist_ok=True)
    replace(home / "r-000001.json", manifest.sealed(body))
    replace(shop.data.artifacts / "CURRENT", b"r-000001\n")
    assert shop.current() == Release("r-000001", 7, made)
    second = shop.released("two")
    assert shop.store.previous() == Release("r-000001", 7, made)
    assert second.replaced == "r-000001"


def test_the_generations_of_the_newest_releases_are_kept(shop: Shop) -> None:
    made = [shop.released(f"text {number}") for number in range(9)]
    shop.store.release(made[4].generations, seq=1)
    for number in range(4):
        shop.make_all(f"unreleased {number}")
    there = set(shop.store.generations("text"))
    assert {each.generations["text"] for each in made[4:]} <= there
    assert not {each.generations["text"] for each in made[:4]} & there


def test_nothing_is_removed_while_a_release_is_damaged(shop: Shop) -> None:
    made = [shop.released(f"text {number}") for number in range(3)]
    (shop.data.artifacts / "CURRENT").write_text("garbage")
    for number in range(5):
        shop.make("text", f"unreleased {number}")
    assert {each.generations["text"] for each in made} <= set(shop.store.generations("text"))

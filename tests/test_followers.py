"""The promise that all rests on: no follower ever skips a change, whoever is killed."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import func, select

from catalog.store import CatalogStore
from catalog.tables import IMAGE_VECTORS
from tests.follow_processes import Child, begin, digest_of_table, embed, follow, write
from tests.waiting import eventually


@pytest.mark.fault
def test_followers_equal_the_table_after_many_writers_and_some_deaths(
    store: CatalogStore, database: str, tmp_path: Path
) -> None:
    is_sqlite = database.startswith("sqlite")
    writers, changes, pause_s = (3, 1_000, 0.002) if is_sqlite else (8, 2_500, 0.005)
    with ExitStack() as stack:

        def run(*told: object) -> Child:
            child = begin(*told)  # type: ignore[arg-type]  # a role, and what it is told
            stack.callback(child.process.join)
            stack.callback(child.process.kill)
            return child

        steady = run(follow, database, str(tmp_path / "steady"), 1)
        mortal = run(follow, database, str(tmp_path / "mortal"), 2)
        doomed = run(embed, database, "doomed", 1.0, True)
        writing = [run(write, database, seed, changes, pause_s) for seed in range(writers)]
        held = doomed.answer()
        assert held
        doomed.kill()
        heirs = [run(embed, database, f"heir-{n}", 60.0, False) for n in range(2)]
        for part in (1, 2):
            wanted_seq = part * writers * changes // 3
            eventually(lambda: store.seq() > wanted_seq, 240)  # noqa: B023  # called at once
            mortal.kill()
            mortal = run(follow, database, str(tmp_path / "mortal"), 2 + part)
        assert sum(int(str(child.answer())) for child in writing) >= writers * changes
        for heir in heirs:
            heir.line.send("finish")
        embedded = sum(int(str(heir.answer())) for heir in heirs)
        seq = store.seq()
        for follower in (steady, mortal):
            follower.line.send(seq)
        wanted = digest_of_table(store)
        assert [steady.answer(), mortal.answer()] == [wanted, wanted]
    # Each photo once, those of the dead holder too.
    with store.engine.connect() as connection:
        rows = connection.execute(select(func.count()).select_from(IMAGE_VECTORS)).scalar_one()
    assert rows == embedded
    assert seq >= writers * changes

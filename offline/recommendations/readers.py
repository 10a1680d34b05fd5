"""Reads public sets of interactions with the splits that they were published with."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import sparse

from offline.models.contract import Rows, Training
from offline.recommendations.event_log import EventLog, sequences
from offline.recommendations.splits import Split, last_k
from runtime.errors import SetupError

GIVEN = "given"
_LINES_READ = 10_000_000


def read_cmn(folder: Path) -> Split:
    """Reads CiteULike as split for CMN (Ebesu, Shen, Fang, SIGIR 2018): one left out a user.

    ``train.tsv``: user, product. ``test_negatives.tsv``: user, the one left out, and 100 products
    that it stands against; the full ranking can be asked for as well.

    Raises:
        SetupError: A file is not there or not of this form.
    """
    trained = _table(folder / "train.tsv")
    asked = _table(folder / "test_negatives.tsv")
    if any(len(row) != 2 for row in trained) or len({len(row) for row in asked}) != 1:
        raise SetupError(f"the files in {folder} are not pairs and rows of equal length")
    pairs, rows = np.array(trained, np.intp), np.array(asked, np.intp)
    shape = _shape([pairs[:, 0], rows[:, 0]], [pairs[:, 1], rows[:, 1:].ravel()])
    return _given(
        _ones(pairs[:, 0], pairs[:, 1], shape),
        np.arange(len(rows)),
        rows[:, 1],
        users=rows[:, 0],
        negatives=rows[:, 2:],
        told="the published split, one product of each user left out",
    )


def read_user_lists(folder: Path, *, per_user: int) -> Split:
    """Reads CiteULike as split for CDL (Wang, Wang, Yeung, KDD 2015): P training products a user.

    ``cf-train-P-users.dat`` and ``cf-test-P-users.dat`` hold a line for each user: the number of
    products, then the products.

    Args:
        folder: Such as ``citeulike-a``.
        per_user: P, 1 or 10.

    Raises:
        SetupError: A file is not there or not of this form.
    """
    parts = []
    for name in ("train", "test"):
        path = folder / f"cf-{name}-{per_user}-users.dat"
        lists = _table(path)
        if any(not row or row[0] != len(row) - 1 for row in lists):
            raise SetupError(f"a line of {path} does not hold as many products as it says")
        parts.append([row[1:] for row in lists])
    trained, asked = parts
    if len(trained) != len(asked):
        raise SetupError(f"training and test in {folder} have different users")
    train_users, train_products = _flat(trained)
    users, products = _flat(asked)
    shape = _shape([np.array([len(trained) - 1])], [train_products, products])
    tested, rows = np.unique(users, return_inverse=True)
    told = f"the published split, {per_user} training product{'s' * (per_user > 1)} a user"
    matrix = _ones(train_users, train_products, shape)
    given = _given(matrix, rows, products, users=tested, told=told)
    return replace(given, name=f"p{per_user}")


def read_sequences(folder: Path) -> EventLog:
    """Reads sequences of products, a user a line and oldest first, as in Amazon's 5-cores.

    ``train.txt`` holds user and products; ``test.txt`` the same and one more product each.

    Raises:
        SetupError: A file is not there, or the two do not fit.
    """
    trained, whole = _table(folder / "train.txt"), _table(folder / "test.txt")
    if any(row != more[: len(row)] for row, more in zip(trained, whole, strict=False)):
        raise SetupError(f"a line of test.txt in {folder} does not go on from that of train.txt")
    users = np.repeat([row[0] for row in whole], [len(row) - 1 for row in whole])
    products = np.concatenate([np.array(row[1:], np.intp) for row in whole])
    return sequences(
        users.astype(np.intp),
        products,
        user_count=int(users.max()) + 1,
        product_count=int(products.max()) + 1,
    )


def read_split(folder: Path, name: str, *, last: int = 1) -> Split:
    """Reads a folder by the files that it holds.

    Args:
        folder: One of the sets above.
        name: ``given`` (cmn), ``p1`` or ``p10`` (lists of users), ``leave-last-out`` or
            ``last-k`` (sequences).
        last: How many products ``last-k`` holds out.

    Raises:
        SetupError: The folder holds none of the sets, or has no such split.
    """
    if not folder.is_dir():
        raise SetupError(f"{folder} is no folder: name one that holds a set of interactions")
    known: dict[str, Callable[[], Split]] = {}
    if (folder / "test_negatives.tsv").is_file():
        known = {GIVEN: lambda: read_cmn(folder)}
    elif (folder / "cf-train-1-users.dat").is_file():
        known = {f"p{each}": _lists(folder, each) for each in (1, 10)}
    elif (folder / "test.txt").is_file():
        known = {
            "leave-last-out": lambda: last_k(read_sequences(folder), count=1),
            "last-k": lambda: last_k(read_sequences(folder), count=last),
        }
    if not known:
        raise SetupError(f"{folder} holds no set of interactions that can be read")
    if name not in known:
        raise SetupError(f"{folder.name} is split by {' or '.join(known)}, and {name} is neither")
    return known[name]()


def _lists(folder: Path, per_user: int) -> Callable[[], Split]:
    return lambda: read_user_lists(folder, per_user=per_user)


def _given(
    training: sparse.csr_matrix,
    rows: Rows,
    products: Rows,
    *,
    users: Rows,
    told: str,
    negatives: Rows | None = None,
) -> Split:
    """Returns a split; what is asked for and stands in the training too is left out."""
    count = training.shape[1]
    new = np.asarray(training[users[rows], products] == 0).ravel()
    asked, places = np.unique(rows[new], return_inverse=True)
    relevant = sparse.csr_matrix(
        (np.ones(len(places), bool), (places, products[new])), (len(asked), count)
    )
    return Split(
        GIVEN,
        Training(training),
        users[asked].astype(np.intp),
        relevant,
        np.ones(count, bool),
        None if negatives is None else negatives[asked],
        told,
    )


def _table(path: Path) -> list[list[int]]:
    """Reads whole numbers from 0, a row a line."""
    try:
        with path.open(encoding="ascii") as lines:
            table = [[int(word) for word in line.split()] for line in lines]
    except (OSError, ValueError) as error:
        raise SetupError(f"{path} cannot be read as rows of whole numbers") from error
    if not table or len(table) > _LINES_READ or any(number < 0 for row in table for number in row):
        raise SetupError(f"{path} is empty, too long, or holds a number below 0")
    return table


def _flat(lists: Sequence[Sequence[int]]) -> tuple[Rows, Rows]:
    users = np.repeat(np.arange(len(lists)), [len(each) for each in lists])
    return users, np.array([product for each in lists for product in each], np.intp)


def _shape(users: Sequence[Rows], products: Sequence[Rows]) -> tuple[int, int]:
    highest = (max(int(part.max()) for part in parts) for parts in (users, products))
    rows, columns = highest
    return rows + 1, columns + 1


def _ones(users: Rows, products: Rows, shape: tuple[int, int]) -> sparse.csr_matrix:
    matrix = sparse.csr_matrix((np.ones(len(users), np.float32), (users, products)), shape)
    matrix.data[:] = 1.0
    return matrix

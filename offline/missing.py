"""Says which extra brings a package that a command needs and that is not installed."""

_OURS = frozenset({"catalog", "clients", "fashion", "offline", "runtime", "services"})
_EXTRAS = {"faiss": "cpu", "transformers": "hub"}
_ALL = "offline,cpu"


def how_to_install(problem: ModuleNotFoundError) -> str:
    """Returns a sentence that names the package and the way to it.

    Empty where the missing module is one of ours, which no package brings: that is a bug.
    """
    package = (problem.name or "").partition(".")[0]
    if not package or package in _OURS:
        return ""
    extra = _EXTRAS.get(package, _ALL)
    return (
        f"this command needs the package {package}, which is not installed here: "
        f'pip install "hemline[{extra}]"'
    )

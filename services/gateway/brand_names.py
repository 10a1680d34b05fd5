"""Lists the names of a catalogue's brands, with the spellings that a shop has taught."""

from collections.abc import Callable

from services.gateway.meaning import Meaning
from services.gateway.vocabulary import Vocabulary


def brand_names(vocabulary: Vocabulary, key: Callable[[str], str]) -> dict[str, Meaning]:
    """Returns the brands of a catalogue by that which their names are looked up by.

    Names of one key are one brand, and so are those that the shop's words say are one; of each the
    commonest is its name.

    Args:
        vocabulary: The catalogue's words.
        key: Returns by what a name is looked up.
    """
    counts = vocabulary.values.get("brand", {})
    written: dict[str, dict[str, None]] = {}
    for brand in counts:
        written.setdefault(key(brand), {})[brand] = None
    for name, others in vocabulary.table.brands.items():
        keys = [key(each) for each in (name, *others)]
        same = {brand: None for each in keys for brand in written.get(each, ())}
        if same:
            written.update(dict.fromkeys(keys, same))
    found: dict[str, Meaning] = {}
    for each, names in written.items():
        brands = tuple(sorted(names, key=lambda brand: (-counts[brand], brand)))
        held = (("brand", brands),)
        found[each] = Meaning("brand", brands[0], brands[0], exact=held, excluded=held)
    found.pop("", None)
    return found

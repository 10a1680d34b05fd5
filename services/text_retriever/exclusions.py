"""Says which tokens a product holds that holds an excluded word."""

from catalog.normalize import Normalizer


def excluded_groups(normalizer: Normalizer, text: str) -> list[list[str]]:
    """Returns a group of tokens for each word or phrase: who holds all of a group holds the word.

    A German compound and a Korean word count by their parts, which come after the whole: "kleid
    aus leinen" is a "leinenkleid", and a Korean word may stand within another.
    """
    return [group[1:] or group for group in normalizer.term_tokens(text)]

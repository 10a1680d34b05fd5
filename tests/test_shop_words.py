"""Promises of the words that a shop adds to the normaliser's own."""

import re
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.feed import Change
from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.store import CatalogStore
from catalog.words import WordTable
from offline.build_text import build_text
from offline.layout import DataDir
from runtime.errors import SetupError
from services.text_retriever.index import TextIndex
from services.text_retriever.writable import WritableIndex

PACKAGE = WordTable.default()


def shop(text: str) -> Normalizer:
    return Normalizer(PACKAGE.with_shop(text))


def found(normalizer: Normalizer, titles: list[str], query: str, folder: Path) -> list[str]:
    """The titles that a query finds, in the order of the list."""
    products = [
        Product(id=f"p-{place:02d}", style_id="s", title=title)
        for place, title in enumerate(titles)
    ]
    folder.mkdir()
    TextIndex.write(products, folder, normalizer=normalizer)
    index = TextIndex.open(folder)
    ids, _ = index.search(index.normalizer.tokens(query), 100)
    return [titles[int(name[2:])] for name in sorted(ids)]


def test_an_empty_file_changes_no_word() -> None:
    plain, same = Normalizer(), shop("# nothing yet\n")
    for text in ("Tees and tank tops", "the off-shoulder dresses", "빨간 원피스", "levi's jean"):
        assert same.tokens(text) == plain.tokens(text)
        assert same.document_tokens(text) == plain.document_tokens(text)
        assert same.readable(text) == plain.readable(text)


def test_synonyms_both_ways_find_the_same(tmp_path: Path) -> None:
    words = shop('synonyms = ["trainers, sneakers, kicks"]')
    titles = ["White sneaker", "Running trainers", "Old kicks", "Leather boot"]
    for place, query in enumerate(["trainer", "Sneakers", "kicks"]):
        assert found(words, titles, query, tmp_path / str(place)) == titles[:3]
    assert words.tokens("sneakers") == words.tokens("TRAINER") == words.tokens("kicks")


def test_a_one_way_synonym_is_wider_for_who_asks(tmp_path: Path) -> None:
    words = shop('synonyms = ["outerwear => coat, parka, rain jacket"]')
    titles = ["Wool coat", "Parkas", "Rain-jacket", "Outerwear of felt", "Denim jacket"]
    assert found(words, titles, "outerwear", tmp_path / "a") == titles[:4]
    assert found(words, titles, "coat", tmp_path / "b") == ["Wool coat"]
    assert found(words, titles, "jackets", tmp_path / "c") == ["Rain-jacket", "Denim jacket"]


def test_synonyms_of_synonyms_are_one(tmp_path: Path) -> None:
    words = shop('synonyms = ["jumper, sweater", "sweater, pullover", "knitwear => jumper"]')
    titles = ["A jumper", "A sweater", "A pull-over"]
    for place, query in enumerate(["jumpers", "sweater", "pull over", "knitwear"]):
        assert found(words, titles, query, tmp_path / str(place)) == titles


def test_a_synonym_of_a_part_holds_where_the_part_stands_for_a_phrase(tmp_path: Path) -> None:
    words = shop('synonyms = ["jacket, coat"]')
    assert found(words, ["Raincoat"], "jacket", tmp_path / "a") == ["Raincoat"]


def test_synonyms_may_be_phrases_and_keep_their_words(tmp_path: Path) -> None:
    words = shop('synonyms = ["flip flops, thong sandals"]')
    titles = ["Flip-flop", "Thong sandal", "Leather sandal"]
    assert found(words, titles, "thong-sandals", tmp_path / "a") == titles[:2]
    assert found(words, titles, "flipflop", tmp_path / "b") == titles[:2]
    assert found(words, titles, "sandals", tmp_path / "c") == titles[1:]


def test_a_protected_phrase_is_one_thing_to_who_asks(tmp_path: Path) -> None:
    words = shop('protected = ["new balance"]')
    titles = ["New Balance 574", "newbalance tee", "New dress, nice balance"]
    assert found(words, titles, "new balance", tmp_path / "a") == titles[:2]
    assert found(words, titles, "balance", tmp_path / "b") == titles
    assert found(Normalizer(), titles, "new balance", tmp_path / "c") == [titles[0], titles[2]]


def test_a_protected_word_stays_as_it_is() -> None:
    words = shop('protected = ["boots", "on"]')
    assert words.tokens("on boots") == ["on", "boots"]
    assert Normalizer().tokens("on boots") == ["boot"]


def test_a_brand_is_found_by_its_other_spellings(tmp_path: Path) -> None:
    words = shop(
        '[brands]\n"Levi\'s" = ["levi strauss", "리바이스"]\n"On" = []\n"Nike" = ["나이키"]'
    )
    titles = ["Levi's 501", "Levi Strauss belt", "Shoes by On", "NIKE cap", "Strauss feather"]
    assert found(words, titles, "리바이스", tmp_path / "a") == titles[:2]
    assert found(words, titles, "levis", tmp_path / "b") == titles[:2]
    assert found(words, titles, "on", tmp_path / "c") == ["Shoes by On"]
    assert found(words, titles, "나이키", tmp_path / "d") == ["NIKE cap"]
    assert words.table.brands["Nike"] == ("나이키",)


def test_a_brand_may_hold_an_and(tmp_path: Path) -> None:
    words = shop('[brands]\n"Marks & Spencer" = ["M&S"]')
    titles = ["Marks & Spencer coat", "M&S coat", "Spencer jacket, question marks"]
    assert found(words, titles, "m & s", tmp_path / "a") == titles[:2]
    assert found(words, titles, "marks&spencer", tmp_path / "b") == titles[:2]


def test_a_brand_of_a_garments_name_still_has_its_plural() -> None:
    words = shop("[brands]\nBoots = []")
    assert words.tokens("boots") == words.tokens("boot")


def test_nouns_forms_and_stop_words_are_added() -> None:
    words = shop('nouns = ["dirndl"]\nstop_words = ["sale"]\n[forms]\njumpr = "jumpers"\n')
    assert words.tokens("dirndls sale jumpr the dress") == ["dirndl", "jumper", "dress"]


def test_a_new_form_does_not_break_a_phrase() -> None:
    words = shop('[forms]\nshirt = "top"\n')
    assert words.tokens("t-shirt") == ["tshirt"]
    assert words.tokens("shirts") == ["top"]


def test_forms_in_a_circle_end() -> None:
    words = shop('[forms]\nalpha = "beta"\nbeta = "alpha"\n')
    assert len(words.tokens("alpha beta")) == 2


def test_models_read_the_first_of_a_group() -> None:
    words = shop('synonyms = ["sneakers, kicks"]\n[brands]\n"Levi\'s" = ["levi strauss"]')
    assert words.readable("Red KICKS by Levi Strauss") == "Red sneakers by Levi's"


def test_the_source_holds_the_shops_file_and_the_package() -> None:
    text = 'synonyms = ["a b, \\"c d\\" 😀"]  # quoted\r\n[brands]\n"빨강" = ["red co \\\\"]\n'
    table = PACKAGE.with_shop(text)
    again = WordTable.parse(table.source)
    assert (again.phrases, again.forms, again.stop_words) == (
        table.phrases,
        table.forms,
        table.stop_words,
    )
    assert again.brands == {"빨강": ("red co \\",)}
    assert table.digest != PACKAGE.digest


def test_the_language_of_the_catalogue_is_said() -> None:
    assert PACKAGE.language == "en"
    assert PACKAGE.with_shop('language = "de"').language == "de"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('synonyms = ["a"\n"b"]', "line 2"),
        ('synonym = ["a, b"]', "unknown key 'synonym'"),
        ('synonyms = "a, b"', "synonyms must be a list of texts"),
        ('synonyms = ["red, blue", "only"]', r"synonyms\[1\] must be like"),
        ('synonyms = ["a => b => c"]', r"synonyms\[0\] must be like"),
        ('synonyms = ["red, "]', r"synonyms\[0\] must be 1 to 8 words"),
        ('synonyms = ["=> red"]', r"synonyms\[0\] must be 1 to 8 words"),
        ('protected = ["!!"]', r"protected\[0\] must be 1 to 8 words"),
        ('protected = ["red; blue"]', r"protected\[0\] must be one phrase"),
        ('protected = ["a b c d e f g h i"]', r"protected\[0\] must be 1 to 8 words"),
        (f'protected = ["{"x" * 101}"]', r"protected\[0\] must be a text of at most 100"),
        ('nouns = ["two words"]', r"nouns\[0\] must be one word"),
        ("nouns = [1]", "nouns must be a list of texts"),
        ('forms = ["a"]', r"\[forms\] must be a table"),
        ("[forms]\nred = 3", r"forms\.red must be a text"),
        ('[brands]\nNike = "swoosh"', r"brands\.Nike must be a list"),
        ("[brands]\nNike = [1]", r"brands\.Nike\[0\] must be a text"),
        ('language = "fr"', "language must be one of en, de, ko"),
    ],
)
def test_a_mistake_is_named_by_its_place(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        shop(text)


def test_the_documented_file_is_one() -> None:
    page = (Path(__file__).parent.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    [text] = re.findall(r"```toml\n(language.*?)```", page, re.DOTALL)
    words = shop(text)
    assert words.tokens("Kicks by Levi Strauss") == words.tokens("sneakers levis")
    assert words.tokens("on sale jumpr") == ["on", "jumper"]
    assert "outerwear" in words.document_tokens("a down gilet")


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """A catalogue of two products."""
    made = DataDir(tmp_path / "data").create()
    with closing(CatalogStore.open(made.database_url, create=True)) as store:
        names = ("Red sneaker", "Blue boot")
        store.upsert([Product(id=f"p-{at}", style_id="s", title=t) for at, t in enumerate(names)])
    return made


def test_a_changed_file_makes_a_new_index_and_the_old_one_can_come_back(data: DataDir) -> None:
    first = build_text(data)
    data.words.write_text('synonyms = ["sneakers, kicks"]', encoding="utf-8")
    second = build_text(data)
    assert second.generation != first.generation
    assert build_text(data).generation == second.generation
    index = TextIndex.open(second.folder)
    assert index.search(index.normalizer.tokens("kicks"), 5)[0] == ["p-0"]
    before = TextIndex.open(first.folder)
    assert before.search(before.normalizer.tokens("kicks"), 5)[0] == []
    data.words.unlink()
    assert build_text(data).generation == first.generation


def test_a_copy_that_follows_the_catalogue_keeps_the_shops_words(
    data: DataDir, tmp_path: Path
) -> None:
    data.words.write_text('synonyms = ["sneakers, kicks"]', encoding="utf-8")
    writable = WritableIndex.copied(build_text(data).folder, _folder(tmp_path / "copy"))
    new = Product(id="p-2", style_id="s", title="Old kicks")
    index = writable.apply([Change("p-2", 9, 0, new)], pace=lambda: None)
    assert sorted(index.search(index.normalizer.tokens("sneaker"), 5)[0]) == ["p-0", "p-2"]
    writable.close()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b'synonyms = ["one"]', r"words\.toml: synonyms\[0\] must be like"),
        (b"\xff", r"cannot read .*words\.toml: it is no UTF-8"),
    ],
)
def test_a_mistake_in_the_file_stops_the_build_in_one_sentence(
    data: DataDir, written: bytes, said: str
) -> None:
    data.words.write_bytes(written)
    with pytest.raises(SetupError, match=said):
        build_text(data)


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@given(st.lists(st.text(min_size=1, max_size=12), min_size=2, max_size=5), st.text(max_size=40))
def test_whatever_a_shop_unites_is_one_word_to_the_index(terms: list[str], text: str) -> None:
    line = ", ".join(each.replace(",", " ").replace("=>", " ") for each in terms)
    try:
        words = Normalizer(PACKAGE.with_shop(f"synonyms = [{_toml(line)}]"))
    except ValueError:
        return
    first, *others = (each for each in line.split(","))
    tokens = words.document_tokens(first)
    if tokens:  # It is no stop word.
        assert {words.document_tokens(each)[0] for each in others} == {tokens[0]}
    assert words.tokens(text) == words.tokens(text)


def _toml(text: str) -> str:
    return '"' + "".join(f"\\U{ord(each):08x}" if _is_scalar(each) else " " for each in text) + '"'


def _is_scalar(char: str) -> bool:
    return not 0xD800 <= ord(char) <= 0xDFFF

"""The drawn garments can be told apart, have body, and wear the colour that they are named by."""

import numpy as np
import pytest

from offline.demo_styles import Style, draw_styles
from offline.drawing.cut import Cut
from offline.drawing.garments import KINDS, drawing_of
from offline.drawing.outline import SIZE
from offline.drawing.paint import GROUND, Form, colour, form
from offline.drawing.palette import COLOURS, dyes
from offline.drawing.patterns import PATTERNS

STYLES = 180


@pytest.fixture(scope="module")
def forms() -> list[tuple[Style, Form]]:
    styles = draw_styles(3000, 11)[:STYLES]
    return [(style, _form(style)) for style in styles]


def _form(style: Style) -> Form:
    drawing = drawing_of(style.cut, style.seed)
    return form(drawing, cloth=style.pattern, variety=style.variety, seed=style.seed)


def _plain(cut: Cut, seed: int = 3) -> Form:
    return form(drawing_of(cut, seed), cloth="plain", variety=0, seed=seed)


def _lab(rgb: np.ndarray) -> np.ndarray:
    """Converts sRGB 0 to 255 to CIE L*a*b* (D65), where distance is what the eye sees."""
    unit = np.asarray(rgb, dtype=np.float64) / 255
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.array(
        [[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]]
    )
    ratio = xyz / np.array([0.9505, 1.0, 1.089])
    curve = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.stack(
        [
            116 * curve[..., 1] - 16,
            500 * (curve[..., 0] - curve[..., 1]),
            200 * (curve[..., 1] - curve[..., 2]),
        ],
        axis=-1,
    )


def _nearest_name(rgb: np.ndarray) -> str:
    names = list(COLOURS)
    centres = _lab(np.array([COLOURS[name] for name in names]))
    return names[int(np.argmin(np.linalg.norm(centres - _lab(rgb), axis=1)))]


def test_at_least_fourteen_kinds_and_eighteen_colours_are_drawn() -> None:
    assert len(KINDS) == 14
    assert len(COLOURS) >= 14
    assert set(PATTERNS) == {"plain", "striped", "checked", "dotted", "floral"}


def test_every_drawing_fills_a_good_part_of_its_photo(forms: list[tuple[Style, Form]]) -> None:
    for style, shape in forms:
        share = float(shape.silhouette.mean())
        assert 0.10 < share < 0.60, (style.cut, share)


def test_no_drawing_is_cut_by_the_edge_of_its_photo(forms: list[tuple[Style, Form]]) -> None:
    for style, shape in forms:
        edge = np.concatenate(
            [shape.silhouette[[0, -1]].ravel(), shape.silhouette[:, [0, -1]].ravel()]
        )
        assert edge.max() == 0, style.cut


def test_silhouettes_tell_the_kinds_apart(forms: list[tuple[Style, Form]]) -> None:
    # Jeans and trousers, and the tops among each other, differ in cloth rather than in outline.
    groups = {"jeans": "legs", "trousers": "legs"}
    groups |= dict.fromkeys(("t-shirt", "shirt", "knitwear", "jacket", "coat"), "top")
    rows = np.stack(
        [shape.silhouette.reshape(32, 8, 32, 8).mean((1, 3)).ravel() for _, shape in forms]
    )
    names = [groups.get(style.cut.kind, style.cut.kind) for style, _ in forms]
    distance = ((rows[:, None] - rows[None]) ** 2).sum(-1)
    np.fill_diagonal(distance, np.inf)
    right = [names[at] == name for at, name in zip(distance.argmin(1), names, strict=True)]
    assert np.mean(right) > 0.9


def test_edges_are_smooth(forms: list[tuple[Style, Form]]) -> None:
    for style, shape in forms[:40]:
        cover = shape.silhouette
        half = ((cover > 0.1) & (cover < 0.9)).sum()
        outline = (np.abs(np.diff((cover > 0.5).astype(int), axis=0))).sum()
        assert half > 0.5 * outline, style.cut


@pytest.mark.parametrize("kind", KINDS)
def test_shading_gives_body_to_plain_cloth(kind: str) -> None:
    style = next(style for style in draw_styles(400, 5) if style.cut.kind == kind)
    shape = _plain(style.cut)
    pixels = colour(shape, dyes("red", pattern="plain", rng=np.random.default_rng(0)))
    inside = pixels[shape.silhouette > 0.99].astype(float).mean(axis=1)
    assert np.percentile(inside, 95) - np.percentile(inside, 5) > 18


@pytest.mark.parametrize(
    ("long", "short"),
    [
        (Cut("dress", "a-line", "short", "maxi"), Cut("dress", "a-line", "short", "mini")),
        (Cut("skirt", "flared", length="maxi"), Cut("skirt", "flared", length="knee")),
        (Cut("jeans", "straight"), Cut("jeans", "straight", length="cropped")),
    ],
)
def test_a_longer_cut_hangs_lower(long: Cut, short: Cut) -> None:
    assert _lowest(_plain(long)) > _lowest(_plain(short)) + 15


def test_a_long_sleeve_covers_more_than_a_short_one_and_that_more_than_none() -> None:
    areas = [
        float(_plain(Cut("t-shirt", sleeve=sleeve, neckline="crew")).silhouette.sum())
        for sleeve in ("sleeveless", "short", "long")
    ]
    assert areas == sorted(areas)
    assert areas[0] < areas[2] * 0.85


def _lowest(shape: Form) -> int:
    return int(np.flatnonzero(shape.silhouette.max(axis=1) > 0.5)[-1])


@pytest.mark.parametrize("cloth", [name for name in PATTERNS if name != "plain"])
def test_a_pattern_stays_on_the_garment(cloth: str) -> None:
    cut = Cut("dress", "flared", "short", "knee", "crew")
    palette = dyes("navy", pattern=cloth, rng=np.random.default_rng(1))
    plain = colour(_plain(cut), palette).astype(int)
    shape = form(drawing_of(cut, 3), cloth=cloth, variety=0, seed=3)
    printed = colour(shape, palette).astype(int)
    changed = np.abs(printed - plain).max(axis=2) > 12
    assert changed[shape.silhouette > 0.99].mean() > 0.04
    assert not changed[shape.silhouette == 0].any()


def test_a_garment_stands_on_a_clean_ground_with_a_shadow_below() -> None:
    shape = _plain(Cut("bag", "tote"))
    pixels = colour(shape, dyes("black", pattern="plain", rng=np.random.default_rng(0)))
    assert np.abs(pixels[:6, :6] / 255 - GROUND).max() < 0.01
    low = _lowest(shape)
    assert pixels[low + 4, SIZE // 2].mean() < pixels[3, 3].mean() - 8


@pytest.mark.parametrize("name", COLOURS)
def test_the_colour_measured_on_the_pixels_is_the_colour_named(name: str) -> None:
    cuts = (
        Cut("t-shirt", sleeve="short", neckline="crew"),
        Cut("dress", "a-line", "sleeveless", "knee", "v-neck"),
        Cut("trousers", "wide"),
        Cut("bag", "backpack"),
    )
    right = 0
    for seed in range(3):
        for cut in cuts:
            shape = _plain(cut, seed)
            rng = np.random.default_rng(seed)
            pixels = colour(shape, dyes(name, pattern="plain", rng=rng))
            measured = np.median(pixels[shape.silhouette > 0.99], axis=0)
            right += _nearest_name(measured) == name
    assert right >= 11


def test_the_named_colour_covers_the_most_of_a_patterned_garment() -> None:
    cut = Cut("t-shirt", sleeve="short", neckline="crew")
    for cloth in PATTERNS:
        for variety in range(6):
            shape = form(drawing_of(cut, 1), cloth=cloth, variety=variety, seed=1)
            body = max(shape.layers, key=lambda layer: float(layer.cover.sum()))
            if body.shares is None:
                continue
            inside = body.cover > 0.99
            assert body.shares.sum(axis=0)[inside].mean() < 0.5, (cloth, variety)


def test_equal_cuts_and_seeds_give_equal_pixels() -> None:
    cut = Cut("coat", "trench", "long", "knee", "lapel", gender="men")
    palette = dyes("beige", pattern="checked", rng=np.random.default_rng(4))
    first, second = (
        colour(form(drawing_of(cut, 9), cloth="checked", variety=1, seed=9), palette)
        for _ in range(2)
    )
    assert np.array_equal(first, second)
    other = colour(form(drawing_of(cut, 10), cloth="checked", variety=1, seed=10), palette)
    assert not np.array_equal(first, other)

"""Says how one style is cut: what the shapes of the drawn garments are chosen by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cut:
    """The cut of one style; a word that does not apply to the kind is empty.

    ``model`` is a shape within the kind, such as ``sneaker`` or ``tote``; ``sleeve`` is
    sleeveless, short or long; ``length`` a hem length; ``neckline`` crew, v-neck, scoop,
    turtleneck, collar or hood; ``fit`` slim, regular or relaxed; ``texture`` the weave.
    """

    kind: str
    model: str = ""
    sleeve: str = ""
    length: str = ""
    neckline: str = ""
    fit: str = "regular"
    gender: str = "women"
    texture: str = ""

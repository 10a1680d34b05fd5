// Shows a named colour as a dot.

import { make } from "./dom.js";

// Catalogues' own names; what the browser knows under the same name and shows the same is not here.
const INKS = {
  beige: "#d8c2a0", black: "#242428", blue: "#2c62be", bronze: "#8c6239", brown: "#704a30", burgundy: "#701c30",
  camel: "#c19a6b", champagne: "#f1ddc0", charcoal: "#3f4246", "charcoal grey": "#3f4246", cobalt: "#1f4fa8",
  "coffee brown": "#5a3a26", copper: "#b0703c", cream: "#f6eed6", denim: "#4b6a8f", "fluorescent green": "#8bf03a",
  gold: "#c9a24a", khaki: "#b3a078", mauve: "#b784a7", metallic: "#a8a9ad", green: "#308c4e", grey: "#929498", gray: "#929498", "grey melange": "#b0b1b4", lavender: "#c3b4e0",
  "light blue": "#a9cbe8", "light grey": "#cfd0d2", lilac: "#c2acde", "lime green": "#9ccf3c", "mushroom brown": "#a99484",
  mustard: "#d3a32a", nude: "#e3bfa4", "navy blue": "#243058", navy: "#243058", "off white": "#f3efe4", olive: "#70723a",
  orange: "#ea7c2c", peach: "#f7c6a3", pink: "#f0a0b8", purple: "#703e96", red: "#c8262c", rose: "#d98a94",
  rust: "#a9482a", "sea green": "#3c9c86", silver: "#c0c3c7", skin: "#e6c0a0", sky: "#96c4e8", steel: "#8a97a3",
  tan: "#c79b6d", taupe: "#a2917f", teal: "#187a7c", "turquoise blue": "#3fb7c9", white: "#f6f6f4", yellow: "#f0ca42",
};
const MANY = ["multi", "multicolour", "multicolor", "multicoloured"];

/** Makes a dot of a colour; one whose name says nothing is half filled. */
export function dot(name) {
  const spot = make("span", { class: "dot-ink", "aria-hidden": "true" });
  const known = name.trim().toLowerCase();
  const ink = INKS[known] ?? (CSS.supports("color", known) ? known : "");
  if (MANY.includes(known)) spot.classList.add("many");
  else if (ink) spot.style.setProperty("background", ink);
  else spot.classList.add("unknown");
  return spot;
}

// What the words were read as, each with a way to refuse it, and another spelling where one is likely.

import { dot } from "./colours.js";
import { byId, capital, fill, make } from "./dom.js";
import { nameOf, TITLES } from "./facets.js";
import { rangeName } from "./prices.js";
import { t } from "./say.js";

const MOST = 12;

/** Keeps the place of what will be understood, so that nothing moves when it is told. */
export function expect(state) {
  if (state.words.trim() && byId("understood").hidden) byId("understood").hidden = false;
  byId("meant").hidden = true;
}

/** Shows how an answer read the words; null takes it away. `change` takes a change of the state. */
export function show(answer, state, currency, change) {
  const asked = new Set(state.without.map((text) => text.toLowerCase()));
  const read = (answer?.understood ?? []).filter((one) => !asked.has(one.from.toLowerCase())).slice(0, MOST);
  const again = state.ignore.length
    ? make("li", {}, make("button", { type: "button", class: "link", onclick: () => change({ ignore: [] }) }, t("Read all words again")))
    : null;
  fill(byId("understood"), ...read.map((one) => make("li", {}, chip(one, currency, change))), again);
  byId("understood").hidden = !read.length && !again && !(answer && state.words.trim());
  mean(answer?.did_you_mean ?? "", change);
}

function mean(words, change) {
  const button = make("button", { type: "button", class: "link", onclick: () => change({ words }) }, words);
  fill(byId("meant"), make("span", {}, t("Did you mean")), " ", button);
  byId("meant").hidden = !words;
}

function chip(one, currency, change) {
  const name = told(one, currency);
  const refuse = (state) => ({ ignore: [...new Set([...state.ignore, `${one.field}:${one.value}`])] });
  return make("button", {
    type: "button", class: `filter-chip read ${one.effect}`, title: `“${one.from}”`, "data-read": `${one.field}:${one.value}`,
    "aria-label": t("Do not read “{}” as {}", one.from, name), onclick: () => change(refuse),
  }, one.field === "colour" && one.effect !== "exclude" ? dot(one.value) : null,
  make("span", {}, name), make("span", { class: "cross", "aria-hidden": "true" }, "×"));
}

/** What was done with some words, such as "Colour: Navy", "Without Black" or "drses → dress". */
function told({ field, value, from, effect }, currency) {
  if (effect === "translate" || effect === "spell") return `${from} → ${value}`;
  const name = field === "price_minor" ? rangeName(bounds(value), currency) : nameOf(field, value);
  if (effect === "exclude") return t("Without {}", name);
  const title = TITLES[field] ? t(TITLES[field]) : capital(field.replace("attributes.", ""));
  return field === "words" ? name : `${title}: ${name}`;
}

/** The range "2000..4999" as filters have it: below a number that is above all that it admits. */
function bounds(value) {
  const [least, most] = value.split("..").map((end) => (end ? Number(end) : null));
  return { gte: least, lt: most === null || most === undefined ? null : most + 1 };
}

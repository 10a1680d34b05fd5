// What the words were read as, each with a way to refuse it, and another spelling where one is likely.

import { search } from "./api.js";
import { dot } from "./colours.js";
import { byId, capital, fill, make } from "./dom.js";
import { nameOf, TITLES } from "./facets.js";
import { rangeName } from "./prices.js";
import { t } from "./say.js";

const MOST = 12;

let shown = 0; // counts what is shown, so that nothing late replaces it

/** Keeps the place of what will be understood, so that nothing moves when it is told. */
export function expect(state) {
  if (state.words.trim() && byId("understood").hidden) byId("understood").hidden = false;
  byId("meant").hidden = true;
}

/** Shows how an answer read the words; null takes it away. `change` takes a change of the state. */
export function show(answer, state, currency, change) {
  shown += 1;
  const asked = new Set(state.without.map((text) => text.toLowerCase()));
  const isNews = (one) => one.effect === "unknown" || !asked.has(one.from.toLowerCase());
  const read = (answer?.understood ?? []).filter(isNews).slice(0, MOST);
  const again = state.ignore.length
    ? make("li", {}, make("button", { type: "button", class: "link", onclick: () => change({ ignore: [] }) }, t("Read all words again")))
    : null;
  fill(byId("understood"), ...read.map((one) => make("li", {}, chip(one, currency, change))), again);
  byId("understood").hidden = !read.length && !again && !(answer && state.words.trim());
  mean(answer, state, change);
  if (!currency && read.some((one) => one.field === "price_minor")) learn(answer, state, change, shown);
}

/** Shows all again with the shop's currency, which no hit told: it is that of any product. */
async function learn(answer, state, change, asked) {
  const any = await search({ page_size: 1 }).catch(() => null);
  const currency = any?.hits[0]?.product.currency;
  if (currency && asked === shown) show(answer, state, currency, change);
}

/** Another spelling: the one that was searched for, with a way back, or one that may be meant. */
function mean(answer, state, change) {
  const words = answer?.did_you_mean ?? "";
  const isUsed = (answer?.understood ?? []).some((one) => one.effect === "spell");
  const press = (name, changes) => make("button", { type: "button", class: "link", onclick: () => change(changes) }, name);
  if (isUsed) {
    const literal = press(state.words, { ignore: [...new Set([...state.ignore, "spelling"])] });
    fill(byId("meant"), make("span", {}, t("Showing results for {}.", words)), " ", make("span", {}, t("Search instead for")), " ", literal);
  } else fill(byId("meant"), make("span", {}, t("Did you mean")), " ", press(words, { words }));
  byId("meant").hidden = !words;
}

/** Why something that was read is not used, such as a price in dollars in a shop that sells in euros. */
function reason({ effect, value, from }, currency) {
  if (effect === "unknown") return t("Nothing here is “{}”", value);
  if (effect === "no_such_size") return t("No product is of size {}", value);
  if (effect === "no_prices") return t("“{}” left out: no product has a price", from);
  if (effect !== "other_currency") return "";
  return currency ? t("“{}” left out: prices are in {}", from, currency) : t("“{}” left out: another currency", from);
}

function chip(one, currency, change) {
  const why = reason(one, currency);
  if (why) return make("span", { class: "filter-chip read unused", "data-read": `${one.field}:${one.value}` }, why);
  const name = told(one, currency);
  const refuse = (state) => ({ ignore: [...new Set([...state.ignore, `${one.field}:${one.value}`])] });
  return make("button", {
    type: "button", class: `filter-chip read ${one.effect}`, title: `“${one.from}”`, "data-read": `${one.field}:${one.value}`,
    "aria-label": t("Do not read “{}” as {}", one.from, name), onclick: () => change(refuse),
  }, one.field === "colour" && one.effect !== "exclude" ? dot(one.value) : null,
  make("span", {}, name), make("span", { class: "cross", "aria-hidden": "true" }, "×"));
}

/** What was done with some words, such as "Colour: Navy", "Without sleeves" or "drses → dress". */
function told({ field, value, from, effect }, currency) {
  if (effect === "translate" || effect === "spell" || effect === "widen") return `${from} → ${value}`;
  const name = field === "price_minor" ? rangeName(bounds(value), currency) : nameOf(field, value);
  if (effect === "exclude") return t("Without {}", field === "price_minor" ? name : value);
  const title = TITLES[field] ? t(TITLES[field]) : capital(field.replace("attributes.", ""));
  return field === "words" ? name : `${title}: ${name}`;
}

/** The range "2000..4999" as filters have it: below a number that is above all that it admits. */
function bounds(value) {
  const [least, most] = value.split("..").map((end) => (end ? Number(end) : null));
  return { gte: least, lt: most === null || most === undefined ? null : most + 1 };
}

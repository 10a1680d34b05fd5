// The filters with their counts.

import { dot } from "./colours.js";
import { byId, capital, fill, make, number } from "./dom.js";
import { priceFilter } from "./prices.js";
import { leavingOut } from "./leaving.js";
import { t } from "./say.js";
import { toggled } from "./state.js";

export const TITLES = {
  kind: "Type", gender: "For", colour: "Colour", size: "Size", price_minor: "Price", brand: "Brand", season: "Season",
};
const FOLDED = ["season"]; // the least asked for
const USUAL = { colour: 18, size: 18 }; // values shown before "show more", where they are small
const FEW = 6;
const WORN = ["XXS", "XS", "S", "M", "L", "XL", "XXL", "XXXL", "3XL", "4XL"];

const groups = new Map(); // field -> { folds, picked, body }, made once and brought up to date
const whole = new Set(); // fields shown with all their values
let change = () => {};
let prices = null;
let stockLine = null;
let leaving = null;
let drawn = { facets: {}, state: null, currency: "" };

/** Sets up; `onChange` takes a change of the state, or a function from a state to one. */
export function listen(onChange) {
  change = onChange;
  prices = priceFilter((price) => change({ price }));
  leaving = leavingOut(onChange);
  const box = make("input", { type: "checkbox", id: "stock", onchange: () => change({ stock: box.checked }) });
  stockLine = make("label", { class: "value stock", id: "stock-line" }, box,
    make("span", { class: "label" }, t("In stock only")), make("span", { class: "count-of", id: "stock-count" }));
  for (const [field, title] of Object.entries(TITLES)) {
    const picked = make("span", { class: "picked" });
    const body = make("div", { class: "group" }, field === "price_minor" ? prices.box : null);
    const folds = make("details", { class: "facet", "data-field": field, open: !FOLDED.includes(field), hidden: true },
      make("summary", {}, make("h3", {}, t(title)), picked), body);
    groups.set(field, { folds, picked, body });
  }
  const line = () => make("div", { class: "line" });
  const ghosts = Array.from({ length: 5 }, () => make("div", { class: "facet ghost", "aria-hidden": "true" }, line(), line(), line(), line()));
  fill(byId("panel"), ...ghosts);
}

/** Shows the counts of an answer; null keeps those on the page. */
export function show(facets, state, currency) {
  if (!stockLine.isConnected) fill(byId("panel"), stockLine, ...[...groups.values()].map((group) => group.folds), leaving);
  drawn = { facets: facets ?? drawn.facets, state, currency };
  const held = byId("panel").contains(document.activeElement) ? document.activeElement.dataset.key : "";
  drawStock();
  for (const field of groups.keys()) drawGroup(field);
  if (held) byId("panel").querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

function drawStock() {
  const { facets, state } = drawn;
  const found = (facets.in_stock ?? []).find((one) => String(one.value) === "true");
  byId("stock").checked = state.stock;
  byId("stock-count").textContent = number(found?.count ?? 0);
  byId("stock-line").hidden = !found && !state.stock;
}

function drawGroup(field) {
  const { facets, state, currency } = drawn;
  const { folds, picked, body } = groups.get(field);
  const isPrice = field === "price_minor";
  const chosen = isPrice ? [state.price].filter(Boolean) : state.chosen[field];
  const values = isPrice ? facets[field] ?? [] : complete(facets[field] ?? [], chosen);
  folds.hidden = !values.length && !chosen.length;
  picked.textContent = chosen.length ? number(chosen.length) : "";
  if (isPrice) prices.show(values, state.price, currency);
  else fill(body, ...valueList(field, field === "size" ? values.sort(bySize) : values));
}

/** Adds what is chosen and no longer counted, so that it can be taken off. */
const complete = (values, chosen) => [
  ...values.map((one) => ({ ...one, value: String(one.value) })),
  ...chosen.filter((value) => !values.some((one) => String(one.value) === value)).map((value) => ({ value, count: 0 })),
];

function valueList(field, values) {
  const chosen = drawn.state.chosen[field];
  const limit = USUAL[field] ?? FEW;
  const isLong = values.length > limit + 1; // one more line costs no more than the button
  const isCut = isLong && !whole.has(field);
  const shown = isCut ? values.filter((one, place) => place < limit || chosen.includes(one.value)) : values;
  const unfold = () => {
    if (!whole.delete(field)) whole.add(field);
    show(null, drawn.state, drawn.currency);
  };
  return [
    make("ul", { class: `values values-${field}`, "aria-label": t(TITLES[field]) }, ...shown.map((one) => valueLine(field, one, chosen))),
    isLong
      ? make("button", { type: "button", class: "link", "data-key": `more:${field}`, "aria-expanded": String(!isCut), onclick: unfold },
          isCut ? t("Show {} more", values.length - shown.length) : t("Show fewer"))
      : null,
  ];
}

function valueLine(field, { value, count }, chosen) {
  const box = make("input", {
    type: "checkbox", checked: chosen.includes(value), "data-key": `${field}:${value}`,
    onchange: () => change((state) => toggled(state, field, value)),
  });
  return make("li", { class: count ? null : "none" }, make("label", { class: "value" }, box,
    field === "colour" ? dot(value) : null,
    make("span", { class: "label" }, nameOf(field, value)),
    make("span", { class: "count-of" }, number(count))));
}

/** A value as it is shown. */
export const nameOf = (field, value) => (field === "size" || field === "brand" ? value : capital(value));

/** Letters before numbers, small before large, the rest by name. */
function bySize(one, two) {
  const rank = ({ value }) => {
    const worn = WORN.indexOf(value.toUpperCase());
    return worn >= 0 ? worn : 100 + (Number.parseFloat(value.replace(/^\D+/, "")) || 10_000);
  };
  return rank(one) - rank(two) || one.value.localeCompare(two.value);
}

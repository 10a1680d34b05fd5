// The filters in force, each with a way to take it off.

import { dot } from "./colours.js";
import { byId, fill, make } from "./dom.js";
import { nameOf, TITLES } from "./facets.js";
import { rangeName } from "./prices.js";
import { FIELDS, toggled, unfiltered } from "./state.js";
import { t } from "./say.js";

/** Draws a chip for each filter in force; `change` takes a change of the state. */
export function show(state, currency, change) {
  const active = inForce(state, currency);
  const all = active.length > 1
    ? make("li", {}, make("button", { type: "button", class: "link", onclick: () => change(unfiltered()) }, t("Clear all")))
    : null;
  fill(byId("chips"), ...active.map((one) => make("li", {}, chip(one, change))), all);
  byId("chips").hidden = !active.length;
  byId("filters-count").textContent = active.length ? String(active.length) : "";
  byId("sheet-clear").disabled = !active.length;
}

/** Makes a chip for each filter in force, as a way out of an empty list. */
export const waysOut = (state, currency, change) => inForce(state, currency).map((one) => chip(one, change));

function inForce(state, currency) {
  const values = FIELDS.flatMap((field) => state.chosen[field].map((value) => ({
    name: nameOf(field, value), kind: t(TITLES[field]), ink: field === "colour" ? value : "",
    drop: (now) => (now.chosen[field].includes(value) ? toggled(now, field, value) : {}),
  })));
  if (state.stock) values.push({ name: t("In stock"), kind: t("Only"), ink: "", drop: { stock: false } });
  if (state.price) values.push({ name: rangeName(state.price, currency), kind: t(TITLES.price_minor), ink: "", drop: { price: null } });
  for (const text of state.without) values.push({
    name: t("Without {}", text), kind: t("Leave out"), ink: "",
    drop: (now) => ({ without: now.without.filter((one) => one !== text) }),
  });
  return values;
}

const chip = ({ name, kind, ink, drop }, change) =>
  make("button", { type: "button", class: "filter-chip", "aria-label": t("Remove {}: {}", kind, name), onclick: () => change(drop) },
    ink ? dot(ink) : null, make("span", {}, name), make("span", { class: "cross", "aria-hidden": "true" }, "×"));

// The filter by price: two fields, and ranges with their counts.

import { fill, make, minorUnits, number, roundPrice } from "./dom.js";
import { t } from "./say.js";

/** Names a range as a reader would. */
export function rangeName({ gte, lt }, currency) {
  const top = lt === null ? null : most(lt, currency);
  if (!gte && top === null) return t("Any price");
  if (top === null) return t("{} and over", roundPrice(gte, currency));
  if (!gte) return t("Under {}", roundPrice(top, currency));
  return `${roundPrice(gte, currency)} – ${roundPrice(top, currency)}`;
}

/** What the upper field shows: a typed "80" admits 80.00 itself, so its range ends a cent above. */
const most = (lt, currency) => (lt % minorUnits(currency) === 1 ? lt - 1 : lt);

/**
 * Makes the controls once; `show` then brings them up to date, and leaves alone what is being typed.
 * Calls `choose({gte, lt})`, or `choose(null)` for any price.
 */
export function priceFilter(choose) {
  let currency = "";
  let chosen = null;
  const field = (label) =>
    make("input", { type: "number", min: 0, step: "any", inputmode: "decimal", "aria-label": label, onchange: typed });
  const [low, high] = [field(t("Lowest price")), field(t("Highest price"))];
  const list = make("ul", { class: "values" });
  const box = make("div", { class: "prices" },
    make("div", { class: "ends" },
      make("label", {}, make("span", {}, t("From")), low), make("span", { "aria-hidden": "true" }, "–"),
      make("label", {}, make("span", {}, t("To")), high)),
    list);

  function typed() {
    const unit = minorUnits(currency);
    const [from, to] = [low, high].map((end) => (end.value === "" || Number(end.value) < 0 ? null : Math.round(Number(end.value) * unit)));
    if (from === null && to === null) choose(null);
    else if (from !== null && to !== null && to < from) choose({ gte: to, lt: from + 1 });
    else choose({ gte: from, lt: to === null ? null : to + 1 });
  }

  function line(range) {
    const same = chosen !== null && (chosen.gte ?? 0) === range.gte && chosen.lt === range.lt;
    const input = make("input", {
      type: "checkbox", checked: same, "data-key": `price:${range.gte}-${range.lt}`,
      onchange: () => choose(same ? null : { gte: range.gte, lt: range.lt }),
    });
    return make("li", {}, make("label", { class: "value" }, input,
      make("span", { class: "label" }, rangeName(range, currency)),
      make("span", { class: "count-of" }, number(range.count))));
  }

  function show(ranges, price, known) {
    currency = known || currency;
    chosen = price;
    const unit = minorUnits(currency);
    const texts = [price?.gte, price?.lt ? most(price.lt, currency) : null];
    [low, high].forEach((end, place) => {
      const minor = texts[place];
      if (end !== document.activeElement) end.value = minor === null || minor === undefined ? "" : String(minor / unit);
    });
    fill(list, ...ranges.map(line));
  }
  return { box, show };
}

// Lets a card show its product in another colour.

import { dot } from "./colours.js";
import { capital, make } from "./dom.js";
import { t } from "./say.js";

const MOST = 6; // in one row of the smallest card

/** Makes a row with a colour for each product of a hit; a press calls `wear(product)`. */
export function swatches(hit, wear) {
  const row = make("div", { class: "swatches" });
  const { brand, kind } = hit.product; // those of a style share them
  const products = [hit.product, ...(hit.variants ?? []).map((variant) => ({ brand, kind, ...variant }))];
  if (products.length === 1) {
    if (hit.product.colour) row.append(make("span", { class: "swatch", title: capital(hit.product.colour) }, dot(hit.product.colour)));
    return row;
  }
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", t("Colours"));
  for (const [place, product] of products.entries()) {
    const name = capital(product.colour || t("Variant {}", place + 1));
    const press = (event) => {
      for (const each of row.querySelectorAll(".swatch")) each.setAttribute("aria-pressed", String(each === event.currentTarget));
      wear(product);
    };
    row.append(make("button", {
      type: "button", class: "swatch", "aria-pressed": String(place === 0), "aria-label": name, title: name,
      "data-product": product.id, hidden: place >= MOST, onclick: press,
    }, dot(product.colour)));
  }
  if (products.length > MOST) row.append(rest(row, products.length - MOST));
  return row;
}

function rest(row, count) {
  const unfold = () => {
    for (const each of row.querySelectorAll(".swatch[hidden]")) each.hidden = false;
    row.children[MOST].focus();
    button.remove();
  };
  const button = make("button", { type: "button", class: "link", "aria-label": t("{} more colours", count), onclick: unfold }, `+${count}`);
  return button;
}

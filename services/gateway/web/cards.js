// Shows products as cards, and moves them when the order changes.

import { byId, capital, fill, make, price, shopAddress } from "./dom.js";
import * as liking from "./liking.js";
import { swatches } from "./swatches.js";
import { t } from "./say.js";

const MOVE_MS = 420;

/**
 * Draws the hits. `before` maps product ids to the ranks of the order before, or is null.
 * `onWhy(hit, product)` and `onAlike(product, cheaper)` answer the card's buttons.
 */
export function show(hits, before, does) {
  const grid = byId("grid");
  const places = positions(grid);
  fill(grid, ...hits.map((hit) => card(hit, moved(hit, before), does)));
  grid.removeAttribute("aria-busy");
  slide(grid, places);
}

/** Draws further hits below the others. */
export function append(hits, does) {
  const cards = hits.map((hit) => card(hit, null, does));
  byId("grid").append(...cards);
  if (isMoving()) for (const item of cards) item.animate([{ opacity: 0 }, { opacity: 1 }], { duration: MOVE_MS });
}

/** Draws grey cards while a search runs; an order that is there stays, dimmed. */
export function expect(count) {
  const grid = byId("grid");
  grid.setAttribute("aria-busy", "true");
  if (grid.querySelector(".card:not(.ghost)")) return;
  const line = (kind) => make("div", { class: `line ${kind}` });
  const ghost = () =>
    make("li", { class: "card ghost", "aria-hidden": "true" }, make("div", { class: "photo" }), line("dots"), line("short"), line(""), line("short"));
  fill(grid, ...Array.from({ length: count }, ghost));
}

/** Takes all cards away. */
export function clear() {
  const grid = byId("grid");
  grid.removeAttribute("aria-busy");
  fill(grid);
}

/** Makes the photo of a product, or its initial where it has none. */
export function picture(product, width = 512) {
  const initial = () =>
    make("span", { class: "initial", "aria-hidden": "true" }, capital((product.kind || product.title).slice(0, 1)));
  if (!product.image_url) return make("div", { class: "photo bare" }, initial());
  const image = make("img", {
    src: `${product.image_url}?width=${width}`, alt: "", loading: "lazy", decoding: "async", width: 256, height: 256,
  });
  const frame = make("div", { class: "photo" }, image);
  image.addEventListener("error", () => {
    frame.classList.add("bare");
    fill(frame, initial());
  }, { once: true });
  return frame;
}

function card(hit, change, does) {
  const item = make("li", { class: "card", "data-id": hit.product.id });
  const [face, text, acts] = ["face", "text", "acts"].map((name) => make("div", { class: name }));
  const wear = (product) => {
    item.dataset.shown = product.id;
    fill(face, picture(product), change, product.in_stock === false ? make("span", { class: "sold" }, t("Sold out")) : null, liking.buttons(product));
    fill(text, ...words(product, () => does.onWhy(hit, product)));
    fill(acts, ...offers(product, () => does.onWhy(hit, product), does.onAlike));
  };
  wear(hit.product);
  item.append(face, swatches(hit, wear), text, acts);
  return item;
}

function words(product, onWhy) {
  const shop = shopAddress(product);
  return [
    make("p", { class: "brand" }, product.brand || " "),
    make("h3", {}, make("button", { type: "button", class: "name", onclick: onWhy }, product.title)),
    make("p", { class: "price" }, price(product.price_minor, product.currency) || " ",
      shop ? make("a", { class: "link shop", href: shop, target: "_blank", rel: "noopener noreferrer", "aria-label": t("{} in the shop", product.title) }, t("Shop ↗")) : null),
  ];
}

function offers(product, onWhy, onAlike) {
  const link = (kind, text, label, onclick) => make("button", { type: "button", class: `link ${kind}`, "aria-label": label, onclick }, text);
  return [
    link("why", t("Why?"), t("Why {} stands here", product.title), onWhy),
    link("like", t("Similar"), t("More like {}", product.title), () => onAlike(product, false)),
    product.price_minor === null ? null : link("cheaper", t("Cheaper"), t("Cheaper like {}", product.title), () => onAlike(product, true)),
  ];
}

function moved(hit, before) {
  if (!before) return null;
  const old = before.get(hit.product.id);
  if (old === hit.rank) return null;
  if (old === undefined) return make("span", { class: "moved up" }, t("new"));
  const up = old > hit.rank;
  const steps = Math.abs(old - hit.rank);
  return make("span", { class: up ? "moved up" : "moved", "aria-label": up ? t("up {}", steps) : t("down {}", steps) },
    `${up ? "↑" : "↓"} ${steps}`);
}

const isMoving = () => !matchMedia("(prefers-reduced-motion: reduce)").matches;

function positions(grid) {
  const places = new Map();
  for (const item of grid.querySelectorAll("[data-id]")) {
    places.set(item.dataset.id, item.getBoundingClientRect());
  }
  return places;
}

/** Lets each card travel from where it was (first, last, invert, play). */
function slide(grid, places) {
  if (!places.size || !isMoving()) return;
  for (const item of grid.children) {
    const old = places.get(item.dataset.id);
    const now = item.getBoundingClientRect();
    const frames = old
      ? [{ transform: `translate(${old.left - now.left}px, ${old.top - now.top}px)` }, { transform: "none" }]
      : [{ opacity: 0 }, { opacity: 1 }];
    item.animate(frames, { duration: MOVE_MS, easing: "cubic-bezier(.2,.7,.2,1)" });
  }
}

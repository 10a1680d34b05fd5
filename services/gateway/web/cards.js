// Shows products as cards, and moves them when the order changes.

import { byId, capital, fill, icon, make, price } from "./dom.js";

const MOVE_MS = 420;
const ALIKE = "M12 5v14M5 12h14";

/** Draws the hits; `before` maps product ids to the ranks of the order before, or is null. */
export function show(hits, before, { onWhy, onLike }) {
  const grid = byId("grid");
  const places = positions(grid);
  fill(grid, ...hits.map((hit) => card(hit, moved(hit, before), { onWhy, onLike })));
  grid.removeAttribute("aria-busy");
  slide(grid, places);
}

/** Draws grey cards while a search runs. */
export function expect(count) {
  const grid = byId("grid");
  grid.setAttribute("aria-busy", "true");
  if (grid.querySelector(".card:not(.ghost)")) return; // the old order stays, dimmed
  const ghost = () =>
    make("li", { class: "card ghost", "aria-hidden": "true" },
      make("div", { class: "photo" }), make("div", { class: "line" }), make("div", { class: "line short" }));
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

function card(hit, change, { onWhy, onLike }) {
  const { product } = hit;
  const name = make("button", { type: "button", class: "name", onclick: () => onWhy(hit) }, product.title);
  return make("li", { class: "card", "data-id": product.id },
    make("div", { class: "face" }, picture(product), change,
      product.in_stock ? null : make("span", { class: "sold" }, "Sold out")),
    make("div", { class: "text" },
      make("p", { class: "brand" }, product.brand || " "),
      make("h3", {}, name),
      make("p", { class: "price" }, price(product.price_minor, product.currency) || " ")),
    make("div", { class: "acts" },
      make("button", { type: "button", class: "link why", onclick: () => onWhy(hit), "aria-label": `Why ${product.title} stands here` }, "Why?"),
      make("button", { type: "button", class: "link like", onclick: () => onLike(product), "aria-label": `More like ${product.title}` },
        icon(ALIKE), "More like this")));
}

function moved(hit, before) {
  if (!before) return null;
  const old = before.get(hit.product.id);
  if (old === hit.rank) return null;
  if (old === undefined) return make("span", { class: "moved up" }, "new");
  const up = old > hit.rank;
  const steps = Math.abs(old - hit.rank);
  return make("span", { class: up ? "moved up" : "moved", "aria-label": `${up ? "up" : "down"} ${steps}` },
    `${up ? "↑" : "↓"} ${steps}`);
}

function positions(grid) {
  const places = new Map();
  for (const item of grid.querySelectorAll("[data-id]")) {
    places.set(item.dataset.id, item.getBoundingClientRect());
  }
  return places;
}

/** Lets each card travel from where it was (first, last, invert, play). */
function slide(grid, places) {
  if (!places.size || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const item of grid.children) {
    const old = places.get(item.dataset.id);
    const now = item.getBoundingClientRect();
    const frames = old
      ? [{ transform: `translate(${old.left - now.left}px, ${old.top - now.top}px)` }, { transform: "none" }]
      : [{ opacity: 0 }, { opacity: 1 }];
    item.animate(frames, { duration: MOVE_MS, easing: "cubic-bezier(.2,.7,.2,1)" });
  }
}

// The row of products that nobody asked for: for the shopper, or popular now; and what goes with one.

import { products, recommendations, similar } from "./api.js";
import { picture } from "./cards.js";
import { byId, fill, make, price } from "./dom.js";
import * as liking from "./liking.js";
import { t } from "./say.js";
import * as session from "./session.js";
import * as visitor from "./visitor.js";

const SHOWN = 12;
const BESIDE = 6; // in the drawer
const ROWS = { user: "For you", session: "For you", cold: "Popular now" };
const NAMED = { liked: "Because of {}", session: "Goes with {}", bought_together: "Often bought with {}" };
const UNNAMED = { liked: "To your taste", session: "To your taste", bought_together: "Often bought together", popular: "Popular now", new: "New in" };

const KEPT = "hemline.proposals"; // "no" in the session: their place is not kept free again

let running = null;

/** Shows the row for a shopper, or hides it; `onOpen(hit, answer)` takes the product pressed. */
export async function show(isShown, user, onOpen) {
  running?.abort();
  const section = byId("proposals");
  if (!isShown) {
    section.hidden = true;
    return;
  }
  running = new AbortController();
  const { signal } = running;
  if (section.hidden && session.get(KEPT) !== "no") expect(user);
  const answer = await recommendations(visitor.who(user), SHOWN, signal).catch(() => null); // the shop goes on without
  if (signal.aborted) return;
  section.hidden = !answer?.hits.length;
  session.set(KEPT, section.hidden ? "no" : "yes");
  if (section.hidden) return;
  const titles = await titlesOf(answer.hits, signal);
  if (signal.aborted) return;
  const title = t(ROWS[answer.mode] ?? ROWS.cold);
  const why = (hit) => (reason(hit, titles) === title ? "" : reason(hit, titles)); // it is said once
  byId("proposals-title").textContent = title;
  fill(byId("proposals-row"), ...answer.hits.map((hit) => card(hit.product, why(hit), () => onOpen(hit, answer))));
}

/** Keeps the place of the row free, so that nothing moves when it comes. */
function expect(user) {
  byId("proposals-title").textContent = t(visitor.who(user) ? ROWS.user : ROWS.cold);
  const line = (kind) => make("div", { class: `line ${kind}` });
  const ghost = () => make("li", { class: "card proposal ghost", "aria-hidden": "true" }, make("div", { class: "photo" }), line("short"), line(""), line("short"));
  fill(byId("proposals-row"), ...Array.from({ length: SHOWN }, ghost));
  byId("proposals").hidden = false;
}

/** Makes the row of what is bought together with a product; empty until it is known. */
export function boughtTogether(product, onOpen) {
  const box = make("section", { class: "beside", hidden: true });
  similar(product.id, { by: "bought_together", count: BESIDE }).then(({ hits, ...answer }) => {
    if (!hits.length) return;
    fill(box, make("h3", {}, t("Bought together")),
      make("ol", { class: "row" }, ...hits.map((hit) => card(hit.product, "", () => onOpen(hit, answer)))));
    box.hidden = false;
  }, () => {}); // the product is shown without
  return box;
}

function card(product, why, onOpen) {
  return make("li", { class: "card proposal", "data-id": product.id },
    make("div", { class: "face" }, picture(product, 256), liking.buttons(product)),
    make("div", { class: "text" },
      make("h3", {}, make("button", { type: "button", class: "name", onclick: onOpen }, product.title)),
      make("p", { class: "price" }, price(product.price_minor, product.currency) || " "),
      why ? make("p", { class: "because muted small" }, why) : null));
}

function reason({ because }, titles) {
  const [first] = because ?? [];
  if (!first) return "";
  const title = titles.get(first.product_id);
  return title && NAMED[first.kind] ? t(NAMED[first.kind], title) : t(UNNAMED[first.kind] ?? UNNAMED.liked);
}

async function titlesOf(hits, signal) {
  const ids = [...new Set(hits.map((hit) => hit.because?.[0]?.product_id).filter(Boolean))];
  const found = ids.length ? await products(ids, signal).catch(() => []) : [];
  return new Map(found.map((each) => [each.id, each.title]));
}

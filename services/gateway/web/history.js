// What the shop remembers of a shopper, and how to make it forget.

import { erase, interactions, products } from "./api.js";
import { picture } from "./cards.js";
import * as drawer from "./drawer.js";
import { make, number } from "./dom.js";
import { language, t } from "./say.js";

const DEEDS = {
  view: "Looked at", cart: "Put in the cart", purchase: "Bought", like: "Liked", dislike: "Not for me",
  rating: "Rated", return: "Sent back",
};
const SHOWN = 60;

/** Opens the history of a shopper; `onErased()` is called when nothing is left of it. */
export async function open(user, onErased) {
  const title = make("h2", { id: "drawer-title" }, t("What the shop remembers"));
  if (!user) {
    drawer.open(title, make("p", { class: "muted prose" }, t("Nothing: you are a stranger here until you like something.")));
    return;
  }
  drawer.open(title, make("p", { class: "muted" }, t("Loading …")));
  const problem = (text) => drawer.open(title, make("p", { class: "notice" }, text));
  const found = await interactions(user, SHOWN).catch(() => null);
  if (!found) {
    problem(t("The history cannot be read at the moment."));
    return;
  }
  const events = found.events.filter((event) => DEEDS[event.kind]);
  const known = await products([...new Set(events.map((event) => event.product_id))]).catch(() => []);
  const byName = new Map(known.map((each) => [each.id, each]));
  drawer.open(title, eraser(user, onErased, problem),
    events.length
      ? make("ol", { class: "history" }, ...events.map((event) => line(event, byName.get(event.product_id))))
      : make("p", { class: "muted prose" }, t("Nothing yet.")));
}

function line(event, product) {
  const stars = event.kind === "rating" && event.value ? ` ${"★".repeat(Math.round(event.value))}` : "";
  const when = new Date(event.at).toLocaleDateString(language(), { dateStyle: "medium" });
  return make("li", { "data-kind": event.kind },
    product ? picture(product, 256) : make("div", { class: "photo bare" }),
    make("div", {}, make("p", {}, product?.title ?? event.product_id),
      make("p", { class: "muted small" }, `${t(DEEDS[event.kind])}${stars} · ${when}`)));
}

/** A press asks, a second one erases: it cannot be undone. */
function eraser(user, onErased, problem) {
  const button = make("button", { type: "button", class: "plain danger" }, t("Erase everything"));
  let isSure = false;
  button.addEventListener("click", async () => {
    if (!isSure) {
      isSure = true;
      button.textContent = t("Really erase? This cannot be undone.");
      return;
    }
    button.disabled = true;
    const erased = await erase(user).catch(() => null);
    if (!erased) {
      problem(t("It could not be erased. Try again in a moment."));
      return;
    }
    drawer.open(make("h2", { id: "drawer-title" }, t("Forgotten")),
      make("p", { class: "prose" }, t("{} events were erased. The shop knows nothing of this shopper any more.", number(erased.events))));
    onErased();
  });
  return button;
}

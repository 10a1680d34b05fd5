// Lets shoppers say what they like and what they do not, and tells the shop at once.

import { Refusal, record } from "./api.js";
import { icon, make } from "./dom.js";
import { t } from "./say.js";
import * as visitor from "./visitor.js";

const HEART = "M12 20.3 4.600 13.100a4.700 4.700 0 0 1 6.650-6.650l.75.75.75-.75a4.700 4.700 0 0 1 6.650 6.650Z";
const CROSSED = "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17ZM6 6l12 12";
const REFUSED = [401, 403, 404, 405, 501]; // a gateway that hears nobody from here

const told = new Map(); // `shopper product` -> "like" or "dislike", as told from this page
let user = () => ""; // who shops
let onTold = () => {};

/** `current()` tells the chosen shopper; `after()` is called when the shop knows of a verdict. */
export function listen(current, after) {
  user = current;
  onTold = after;
}

/** Makes the two buttons for a product, or nothing where the shop does not listen. */
export function buttons(product) {
  if (!visitor.isHeard()) return null;
  const box = make("div", { class: "verdicts" });
  const draw = () => {
    const verdict = told.get(name(product));
    box.replaceChildren(
      button("like", HEART, t("Like {}", product.title), verdict, () => say("like")),
      button("dislike", CROSSED, t("{} is not for me", product.title), verdict, () => say("dislike")));
  };
  const say = async (kind) => {
    if (told.get(name(product)) === kind) return; // once is enough
    const before = told.get(name(product));
    const speaker = visitor.speaker(user());
    told.set(`${speaker} ${product.id}`, kind);
    draw();
    box.querySelector(`.${kind}`)?.focus();
    try {
      await record(speaker, product.id, kind);
    } catch (problem) {
      if (before) told.set(`${speaker} ${product.id}`, before);
      else told.delete(`${speaker} ${product.id}`);
      if (!(problem instanceof Refusal)) throw problem;
      if (REFUSED.includes(problem.status)) visitor.fallSilent();
      if (visitor.isHeard()) draw();
      else for (const each of document.querySelectorAll(".verdicts")) each.remove();
      return;
    }
    onTold();
  };
  draw();
  return box;
}

/** Notes that somebody looked at a product, if they are somebody. */
export function looked(product) {
  const speaker = visitor.who(user());
  if (speaker && visitor.isHeard()) record(speaker, product.id, "view").catch(() => {}); // it is of no use to the shopper
}

/** Forgets what a shopper told. */
export function forget(shopper) {
  for (const key of told.keys()) if (key.startsWith(`${shopper} `)) told.delete(key);
}

const name = (product) => `${visitor.who(user())} ${product.id}`;

const button = (kind, path, label, verdict, onclick) =>
  make("button", { type: "button", class: `verdict ${kind}`, "aria-pressed": String(verdict === kind), "aria-label": label, title: label, onclick }, icon(path));

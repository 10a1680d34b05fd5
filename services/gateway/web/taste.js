// Offers shoppers to look through the eyes of, where the shop shows some.

import { shoppers } from "./api.js";
import { byId, make } from "./dom.js";
import * as session from "./session.js";

const MOST = 60;
const SHOWN = "hemline.shoppers"; // "no" in the session: their place is not kept free again

/** Fills the list; `current()` tells who is chosen by now. */
export async function offer(current) {
  const box = byId("taste");
  box.hidden = session.get(SHOWN) === "no";
  const found = await shoppers(MOST).catch(() => []);
  box.hidden = !found.length;
  box.classList.remove("unknown");
  session.set(SHOWN, found.length ? "yes" : "no");
  if (!found.length) return;
  const options = found.map((one) => make("option", { value: one.user_id }, `${one.user_id}  ${known(one)}`));
  const chosen = current();
  if (chosen && !found.some((one) => one.user_id === chosen)) options.push(make("option", { value: chosen }, chosen));
  byId("shopper").append(...options);
  byId("shopper").value = chosen;
}

const known = (one) =>
  [one.kinds.slice(0, 2).join(", "), one.colours.slice(0, 2).join(", ")].filter(Boolean).join(" · ");

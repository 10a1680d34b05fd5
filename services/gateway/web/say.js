// Says things in the reader's language: English, or Korean where the browser speaks it.

import { KOREAN } from "./korean.js";
import * as session from "./session.js";

const KEPT = "hemline.language";
const TOLD = ["placeholder", "aria-label", "title", "alt"];

/** The language of the page: the one that was chosen in this tab, else the browser's. */
export const language = () => session.get(KEPT) ?? (navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en");

/** A sentence in the reader's language; each {} is one of the values. */
export function t(text, ...values) {
  const said = language() === "ko" ? KOREAN[text] ?? text : text;
  let place = 0;
  return said.replace(/\{\}/g, () => String(values[place++]));
}

/** Puts all that stands on the page from the start into the reader's language. */
export function translate() {
  document.documentElement.lang = language();
  if (language() === "en") return;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) {
      const text = node.data.trim().replace(/\s+/g, " ");
      if (text) node.data = node.data.replace(/\S[\s\S]*\S|\S/, t(text));
    } else for (const name of TOLD) if (node.hasAttribute(name)) node.setAttribute(name, t(node.getAttribute(name)));
  }
}

/** Offers the other language; `onChoose` shows the page anew. */
export function offer(button, onChoose) {
  const other = language() === "ko" ? "en" : "ko";
  button.textContent = other === "ko" ? "한국어" : "English";
  button.lang = other;
  button.addEventListener("click", () => {
    session.set(KEPT, other);
    onChoose();
  });
}

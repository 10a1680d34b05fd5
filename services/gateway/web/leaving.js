// What is to be left out, in words.

import { make } from "./dom.js";
import { t } from "./say.js";

const MOST = 15;

/** Makes the box; `change` takes a function from a state to a change of it. */
export function leavingOut(change) {
  const box = make("input", {
    type: "text", maxlength: 60, id: "without", placeholder: t("such as black"), autocomplete: "off", enterkeyhint: "done",
  });
  const take = (event) => {
    event.preventDefault();
    const text = box.value.trim();
    box.value = "";
    if (text) change((state) => (state.without.includes(text) ? {} : { without: [...state.without, text].slice(-MOST) }));
  };
  return make("form", { class: "facet leaving", onsubmit: take },
    make("label", { for: "without" }, t("Leave out")),
    make("div", { class: "leaving-line" }, box, make("button", { type: "submit", class: "plain" }, t("Add"))));
}

// The first sight: a few searches, each with the picture of what it finds first.

import { search } from "./api.js";
import { picture } from "./cards.js";
import { byId, fill, make } from "./dom.js";
import { t } from "./say.js";

const IDEAS = ["red summer dress", "striped t-shirt", "navy wool coat", "white sneakers", "yellow skirt", "brown leather bag"];

/** Shows the ideas, or hides them; `onIdea(words)` takes the one that is pressed. */
export function show(isShown, onIdea) {
  byId("welcome").hidden = !isShown;
  const list = byId("ideas");
  if (isShown && !list.children.length) fill(list, ...IDEAS.map((text) => idea(t(text), onIdea)));
}

function idea(text, onIdea) {
  const face = make("span", { class: "face" }, make("span", { class: "photo bare" }));
  search({ text, page_size: 1 }).then(
    ({ hits }) => hits.length && fill(face, picture(hits[0].product)),
    () => {}, // the words alone will do
  );
  return make("li", {}, make("button", { type: "button", onclick: () => onIdea(text) }, face, make("span", { class: "words" }, text)));
}

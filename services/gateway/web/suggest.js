// Suggests words while they are typed: a list under the box, by keyboard, mouse or finger.

import { suggestions } from "./api.js";
import { byId, fill, make } from "./dom.js";
import { t } from "./say.js";

const PAUSE_MS = 120; // between two keys of somebody who types on
const MOST = 8;
const KINDS = { category: "Category", brand: "Brand", product: "Product", spelling: "Did you mean" };

let asking = null; // the question under way
let timer = 0;
let found = []; // what the list shows
let active = -1; // its place in the list, from 0

/** Binds the box; `choose(text)` takes the suggestion that is picked. */
export function listen(choose) {
  const [box, list] = [byId("words"), byId("suggestions")];
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE_MS);
  });
  box.addEventListener("keydown", (event) => pressed(event, choose));
  box.addEventListener("blur", close);
  byId("search").addEventListener("submit", close);
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the box keeps the focus
  list.addEventListener("click", (event) => {
    const place = event.target.closest("[role=option]")?.dataset.place;
    if (place !== undefined) take(Number(place), choose);
  });
}

/** Takes the list away; an answer that is still coming is not shown. */
export function close() {
  clearTimeout(timer);
  asking?.abort();
  show([]);
}

async function ask() {
  const box = byId("words");
  const typed = box.value.trim();
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  const answer = typed ? await suggestions(typed, MOST, signal) : [];
  if (!signal.aborted && document.activeElement === box) show(answer, typed);
}

function show(answer, typed = "") {
  [found, active] = [answer, -1];
  fill(byId("suggestions"), ...found.map((one, place) => line(one, place, typed)));
  byId("suggestions").hidden = !found.length;
  byId("words").setAttribute("aria-expanded", String(found.length > 0));
  mark();
}

function line({ text, kind }, place, typed) {
  const isSame = text.toLowerCase().startsWith(typed.toLowerCase());
  const known = isSame ? text.slice(0, typed.length) : "";
  const tag = KINDS[kind] ? make("small", {}, t(KINDS[kind])) : null;
  return make("li", { role: "option", id: `suggestion-${place}`, "data-place": place, "aria-selected": "false" },
    make("span", { class: "said" }, known, make("b", {}, text.slice(known.length))), tag);
}

function pressed(event, choose) {
  if (event.isComposing) return; // the keys belong to who writes a syllable
  if (event.key === "ArrowDown" && !found.length) ask();
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") move(event.key === "ArrowDown" ? 1 : -1);
  else if (event.key === "Enter" && active >= 0) take(active, choose);
  else if (event.key === "Escape" && found.length) close();
  else return;
  event.preventDefault();
}

/** Goes through the list, and by the box from one end to the other. */
function move(step) {
  const places = found.length + 1;
  active = ((active + 1 + step + places) % places) - 1;
  mark();
}

function mark() {
  const lines = [...byId("suggestions").children];
  lines.forEach((one, place) => one.setAttribute("aria-selected", String(place === active)));
  if (active >= 0) byId("words").setAttribute("aria-activedescendant", lines[active].id);
  else byId("words").removeAttribute("aria-activedescendant");
}

function take(place, choose) {
  const { text } = found[place];
  byId("words").value = text;
  close();
  choose(text);
}

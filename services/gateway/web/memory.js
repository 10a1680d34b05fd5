// Remembers for each entry of the browser's history what it showed, and how far down the reader was.

import * as session from "./session.js";

const ENTRIES = 12; // lists kept; an older one is asked for again
const PLACE = "hemline.place."; // in the session, so that a reload finds it too

const kept = new Map(); // key of an entry -> { found, photo }
let key = ""; // of the entry on the page
let settled = false; // whether the page shows what its entry is about

/** Takes the scrolling over from the browser, which cannot know when the list is back. */
export function listen() {
  history.scrollRestoration = "manual";
  addEventListener("pagehide", remember);
  document.addEventListener("visibilitychange", remember);
}

/** Begins a new entry, or with `replace` goes on with this one. */
export function go(address, { replace = false } = {}) {
  remember();
  if (replace) history.replaceState(history.state, "", address);
  else history.pushState({ key: newKey() }, "", address);
  key = history.state.key;
  settled = false;
}

/** Takes up the entry that the browser went to. */
export function arrive() {
  remember(); // the page still stands where the reader left it
  if (!history.state?.key) history.replaceState({ key: newKey() }, "");
  key = history.state.key;
  settled = false;
}

/** Notes the photo of this entry: the photo itself, and its hash beyond a reload. */
export function notePhoto(photo) {
  const sha256 = photo?.sha256 ?? "";
  if ((history.state.sha256 ?? "") !== sha256) history.replaceState({ key, sha256 }, "");
  entry().photo = photo;
}

/** The photo of this entry, or null. */
export function photo() {
  const { sha256 } = history.state;
  return entry().photo ?? (sha256 ? { sha256, url: `/v1/images/${sha256}?width=256` } : null);
}

/** Notes the list that this entry shows; from now on the place in it is remembered. */
export function noteList(found) {
  entry().found = found;
  settled = true;
}

/** The list that this entry showed, or null. */
export const list = () => entry().found ?? null;

/** Forgets all lists: they would be others now. */
export function forgetLists() {
  for (const each of kept.values()) delete each.found;
}

/** How far down the reader was in this entry, in pixels. */
export const place = () => Number(session.get(PLACE + key) ?? 0);

function remember() {
  if (settled) session.set(PLACE + key, String(Math.round(scrollY)));
}

function entry() {
  const found = kept.get(key) ?? {};
  kept.delete(key);
  kept.set(key, found); // the last used is last
  if (kept.size > ENTRIES) kept.delete(kept.keys().next().value);
  return found;
}

const newKey = () => Math.random().toString(36).slice(2);

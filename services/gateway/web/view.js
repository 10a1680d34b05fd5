// Draws what stands around the products: counts, notices, messages, and the controls.

import { byId, fill, make, number } from "./dom.js";
import { asks, isAlike, isFiltered } from "./state.js";
import { t } from "./say.js";
import { who } from "./visitor.js";

const DEGRADED = {
  text_unavailable: "The word search does not answer, so these were found by their pictures alone.",
  image_unavailable: "The picture search does not answer, so these were found by their words alone.",
  ranking_unavailable: "Personal taste does not answer, so the order is everybody's.",
  personalization_unavailable: "Personal taste does not answer, so the order is everybody's.",
  timeout_partial: "Part of the search took too long and was left out.",
  overload_reduced: "The shop is busy, so fewer products were compared.",
  stale_index: "The latest changes of the catalogue may be missing.",
  paging_restarted: "The list was made anew on the way, so a product may be missing here.",
};

/** The words in the box. */
export const words = () => byId("words").value.trim();

/** Shows what a state asks for in the controls. */
export function controls(state) {
  if (words() !== state.words.trim()) byId("words").value = state.words; // else the reader may be typing on
  byId("like-chip").hidden = !state.like;
  byId("photo-wish").hidden = !state.photo;
  byId("bare").checked = state.bare;
  byId("shopper").value = state.user;
  byId("share").value = String(state.share);
  byId("share").disabled = !who(state.user);
  byId("share-value").textContent = `${state.share} %`;
  byId("tabs").hidden = !isAlike(state);
  for (const [id, on] of [["tab-all", !state.cheaper], ["tab-cheaper", state.cheaper]]) {
    byId(id).setAttribute("aria-pressed", String(on));
  }
  document.body.classList.toggle("alike", isAlike(state));
  document.title = state.words ? `${state.words} · Hemline` : "Hemline";
  byId("heading").textContent = heading(state);
  sorts(state);
}

function heading(state) {
  if (state.words) return t("Results for {}", state.words);
  if (state.photo) return t("Like your photo");
  if (state.like) return state.cheaper ? t("Cheaper like this") : t("More like this");
  return isFiltered(state) ? t("All products") : t("New in");
}

/** Says what the products are like. */
export function nameExample({ title }, isCheaper) {
  byId("heading").textContent = isCheaper ? t("Cheaper like {}", title) : t("More like {}", title);
}

/** Without words there is nothing to be relevant to: the order is the newest, or the shopper's own. */
function sorts(state) {
  const byRelevance = byId("sort").querySelector("[value=relevance]");
  const isOpen = !asks(state) && !who(state.user);
  byRelevance.hidden = byRelevance.disabled = isOpen;
  byRelevance.textContent = asks(state) ? t("Best match") : t("For you");
  byId("sort").value = isOpen && state.sort === "relevance" ? "newest" : state.sort;
}

/** Says how many there are and how many of them are shown. */
export function counts({ hits, total, token }, isOfStyles) {
  const isOpen = total.relation === "gte";
  const noun = (isOfStyles ? ["{} style", "{} styles"] : ["{} product", "{} products"])[total.value === 1 ? 0 : 1];
  const counted = t(noun, number(total.value));
  const all = isOpen ? t("at least {}", counted) : counted;
  byId("status").textContent = hits.length ? all : "";
  const end = isOpen && !token ? t(". Filters or other words lead to the rest.") : ""; // a search reaches so far
  byId("shown").textContent = t("{} of {}", number(hits.length), all) + end;
  byId("progress").max = Math.max(total.value, hits.length, 1);
  byId("progress").value = hits.length;
  byId("more-box").hidden = !hits.length;
  byId("progress").hidden = byId("more").hidden = !token;
  byId("sheet-done").textContent = t("Show {}", t(noun, `${number(total.value)}${isOpen ? "+" : ""}`));
}

/** Shows that a search runs. */
export function wait() {
  byId("message").hidden = true;
  byId("status").textContent = t("Searching …");
}

/** Shows that the next products are coming, or that they came. */
export function waitForMore(isWaiting) {
  byId("more").setAttribute("aria-disabled", String(isWaiting));
  byId("more").textContent = isWaiting ? t("Loading …") : t("Show more");
}

/** Takes away what belongs to an answer. */
export function blank() {
  warn([]);
  byId("about").hidden = byId("more-box").hidden = byId("message").hidden = true;
  byId("status").textContent = "";
}

/** Says something in the place of the products. */
export function say(title, text, ...further) {
  const box = byId("message");
  fill(box, make("h2", {}, title), make("p", {}, text), ...further);
  box.hidden = false;
}

/** Says what an answer misses. */
export function warn(reasons) {
  const line = (text) => make("p", { class: "notice" }, text);
  const texts = [...new Set(reasons.map((reason) => DEGRADED[reason] ? t(DEGRADED[reason]) : t("Part of the search is missing ({}).", reason)))];
  fill(byId("notice"), ...texts.map(line));
}

/** Says that the list was made anew while it was being read, if it was. */
export const noteRestart = (isRestarted) => (isRestarted ? noteBelow(t(DEGRADED.paging_restarted)) : fill(byId("more-notice")));

/** Says something below the products. */
export const noteBelow = (text) => fill(byId("more-notice"), make("p", { class: "notice" }, text));

// The page: what is asked, what is answered, and what is shown of it.

import { Refusal, product, search, shoppers } from "./api.js";
import * as cards from "./cards.js";
import { byId, fill, make, number } from "./dom.js";
import * as photo from "./photo.js";
import * as kept from "./state.js";
import * as why from "./why.js";

const IDEAS = ["red summer dress", "striped t-shirt", "navy wool coat", "white sneakers", "yellow skirt", "brown leather bag"];
const DEGRADED = {
  text_unavailable: "The word search does not answer, so these were found by their pictures alone.",
  image_unavailable: "The picture search does not answer, so these were found by their words alone.",
  ranking_unavailable: "Personal taste does not answer, so the order is everybody's.",
  personalization_unavailable: "Personal taste does not answer, so the order is everybody's.",
  timeout_partial: "Part of the search took too long and was left out.",
  overload_reduced: "The shop is busy, so fewer products were compared.",
};

let state = kept.read(location.search);
let running = null; // the search under way
let last = null; // { key, answer }: the answer on the page and the question it belongs to
let photoUrl = "";

/** Takes a change of what is asked, and searches. */
function change(values, { replace = false } = {}) {
  state = { ...state, count: kept.PAGE, ...values };
  const address = kept.write(state);
  if (address !== location.pathname + location.search) {
    history[replace ? "replaceState" : "pushState"](null, "", address);
  }
  run();
}

async function run() {
  running?.abort();
  draw();
  if (!kept.asks(state)) {
    last = null;
    welcome();
    return;
  }
  running = new AbortController();
  const { signal } = running;
  byId("welcome").hidden = true;
  byId("message").hidden = true;
  byId("status").textContent = "Searching …";
  cards.expect(kept.PAGE / 2);
  try {
    const sent = state.photo ? await photo.sized(state.photo) : null;
    const answer = await search(kept.query(state), sent, signal);
    if (!signal.aborted) arrived(answer);
  } catch (problem) {
    if (problem.name !== "AbortError") failed(problem);
  }
}

function arrived(answer) {
  const key = JSON.stringify([state.words, state.like, state.photo?.name, state.photo?.size]);
  const before = last?.key === key && last.answer.hits.length === answer.hits.length
    ? new Map(last.answer.hits.map((hit) => [hit.product.id, hit.rank]))
    : null;
  last = { key, answer };
  warn(answer.degraded_reasons);
  byId("about").hidden = false;
  const { hits, total } = answer;
  const most = total.relation === "gte" ? "at least " : "";
  byId("status").textContent = hits.length
    ? `${number(hits.length)} of ${most}${number(total.value)} products`
    : "";
  byId("more").hidden = hits.length < state.count || state.count >= kept.MOST;
  if (!hits.length) {
    cards.clear();
    say("Nothing found", "No product fits. Try fewer or other words, or show a photo.");
    return;
  }
  cards.show(hits, before, { onWhy: (hit) => why.openWhy(hit, answer, like), onLike: like });
}

function failed(problem) {
  last = null;
  cards.clear();
  warn([]);
  byId("about").hidden = byId("more").hidden = true;
  byId("status").textContent = "";
  const told = problem instanceof Refusal ? problem : new Refusal("Something went wrong", "The page could not show the answer.");
  const wait = told.retryAfterS ? ` Try again in ${told.retryAfterS} s.` : "";
  say(told.title, told.detail + wait, make("button", { type: "button", class: "plain", onclick: run }, "Try again"));
  if (!(problem instanceof Refusal)) throw problem;
}

function say(title, text, ...more) {
  const box = byId("message");
  fill(box, make("h2", {}, title), make("p", {}, text), ...more);
  box.hidden = false;
}

function warn(reasons) {
  const texts = [...new Set(reasons.map((reason) => DEGRADED[reason] ?? `Part of the search is missing (${reason}).`))];
  fill(byId("notice"), ...texts.map((text) => make("p", { class: "notice" }, text)));
}

/** Shows the state in the controls. */
function draw() {
  byId("words").value = state.words;
  byId("photo-chip").hidden = !state.photo;
  byId("like-chip").hidden = !state.like;
  if (!state.like) byId("like-preview").removeAttribute("src");
  byId("shopper").value = state.user;
  byId("share").value = String(state.share);
  byId("share").disabled = !state.user;
  byId("share-value").textContent = `${state.share} %`;
  document.title = state.words ? `${state.words} · Hemline` : "Hemline";
  byId("heading").textContent = state.words ? `Results for ${state.words}` : "Results";
  if (state.like && !byId("like-preview").src) showExample(state.like);
}

async function showExample(id) {
  const found = await product(id).catch(() => null);
  if (found?.image_url && state.like === id) byId("like-preview").src = `${found.image_url}?width=256`;
}

function like(found) {
  byId("like-preview").removeAttribute("src");
  change({ words: "", photo: null, like: found.id });
  scrollTo({ top: 0 });
}

function take(file) {
  URL.revokeObjectURL(photoUrl);
  photoUrl = URL.createObjectURL(file);
  byId("photo-preview").src = photoUrl;
  byId("photo-name").textContent = "Your photo";
  change({ photo: file, like: "" });
}

/** Greets: a few searches, each with the picture of what it finds first. */
function welcome() {
  cards.clear();
  warn([]);
  byId("message").hidden = byId("more").hidden = byId("about").hidden = true;
  byId("status").textContent = "";
  byId("heading").textContent = "Search";
  byId("welcome").hidden = false;
  const list = byId("ideas");
  if (!list.children.length) fill(list, ...IDEAS.map(idea));
}

function idea(text) {
  const button = make("button", { type: "button", onclick: () => change({ words: text }) }, make("span", {}, text));
  search({ text, page_size: 1 }, null, undefined).then(
    ({ hits }) => hits.length && button.prepend(cards.picture(hits[0].product)),
    () => {}, // the words alone will do
  );
  return make("li", {}, button);
}

async function offerShoppers() {
  const found = await shoppers(60).catch(() => []);
  const known = (one) => [one.kinds.slice(0, 2).join(", "), one.colours.slice(0, 2).join(", ")].filter(Boolean).join(" · ");
  const options = found.map((one) => make("option", { value: one.user_id }, `${one.user_id}  ${known(one)}`));
  if (state.user && !found.some((one) => one.user_id === state.user)) {
    options.push(make("option", { value: state.user }, state.user));
  }
  byId("shopper").append(...options);
  byId("shopper").value = state.user;
  byId("taste").hidden = !options.length;
}

function listen() {
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    change({ words: byId("words").value.trim() });
    byId("words").blur();
  });
  byId("home").addEventListener("click", (event) => {
    event.preventDefault();
    change({ words: "", like: "", photo: null });
  });
  byId("photo-remove").addEventListener("click", () => change({ photo: null }));
  byId("like-remove").addEventListener("click", () => change({ like: "" }));
  byId("shopper").addEventListener("change", (event) => change({ user: event.target.value }));
  byId("share").addEventListener("input", (event) => {
    byId("share-value").textContent = `${event.target.value} %`;
  });
  byId("share").addEventListener("change", (event) =>
    change({ share: Number(event.target.value) }, { replace: true }));
  byId("more").addEventListener("click", () =>
    change({ count: Math.min(kept.MOST, state.count + kept.PAGE) }, { replace: true }));
  byId("about").addEventListener("click", () => last && why.openCourse(last.answer));
  addEventListener("popstate", () => {
    state = { ...kept.read(location.search), photo: state.photo };
    run();
  });
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea, dialog");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    byId("words").focus();
  });
}

photo.listen(take, (text) => say("That is no photo", text));
why.listen();
listen();
offerShoppers();
run();

// The page: what is asked, what is answered, and what is shown of it.

import { product, Refusal } from "./api.js";
import * as cards from "./cards.js";
import * as chips from "./chips.js";
import * as controls from "./controls.js";
import { byId, make } from "./dom.js";
import * as drawer from "./drawer.js";
import * as facets from "./facets.js";
import * as history from "./history.js";
import * as liking from "./liking.js";
import * as listing from "./listing.js";
import * as memory from "./memory.js";
import * as photo from "./photo.js";
import * as proposals from "./proposals.js";
import * as say from "./say.js";
import { t } from "./say.js";
import * as sheet from "./sheet.js";
import * as asked from "./state.js";
import * as suggest from "./suggest.js";
import * as taste from "./taste.js";
import * as understood from "./understood.js";
import * as view from "./view.js";
import * as visitor from "./visitor.js";
import * as welcome from "./welcome.js";
import * as why from "./why.js";

const FORBIDDEN = 403;
const HOME = { words: "", like: "", cheaper: false, photo: null, sort: asked.SORTS[0], ignore: [], ...asked.unfiltered() };

let state = null;
let running = null; // the search under way
let last = null; // { key, found }: the list on the page and the question it belongs to
let currency = "";

/**
 * Takes a change of what is asked, or a function that makes one, and searches. The words are those
 * in the box, entered or not, unless the change names others.
 */
function change(values, { replace = false } = {}) {
  const next = typeof values === "function" ? values(state) : values;
  const before = state;
  const words = next.words ?? view.words();
  const ignore = words === before.words ? before.ignore : []; // what was refused was said of other words
  state = { ...state, ignore, shown: asked.PAGE, ...next, words };
  const address = asked.write(state);
  const isSame = address === location.pathname + location.search && state.photo === before.photo;
  memory.go(address, { replace: isSame || (replace && state.words === before.words) });
  memory.notePhoto(state.photo);
  run();
}

/** Shows what the state asks for; `back` says that the reader was here before, `isSame` is here still. */
async function run({ back = false, isSame = false } = {}) {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  draw();
  const known = back ? memory.list() : null;
  if (known) {
    arrived(known, { back });
    return;
  }
  view.wait();
  understood.expect(state);
  cards.expect(asked.PAGE / 2);
  if (!back && !isSame) toTop();
  try {
    const found = await listing.find(state, signal);
    if (!signal.aborted) arrived(found, { back });
  } catch (problem) {
    if (problem.name !== "AbortError") failed(problem);
  }
}

function arrived(found, { back }) {
  const key = JSON.stringify({ ...state, user: "", share: 0, photo: state.photo?.url });
  const isSame = last?.key === key && last.found.hits.length === found.hits.length;
  const before = isSame ? new Map(last.found.hits.map((hit) => [hit.product.id, hit.rank])) : null;
  last = { key, found };
  currency = found.hits.find((hit) => hit.product.currency)?.product.currency ?? currency;
  memory.notePhoto(state.photo); // it has its hash now
  byId("message").hidden = true;
  byId("about").hidden = asked.isAlike(state);
  view.warn(found.answer.degraded_reasons);
  view.counts(found, !asked.isAlike(state));
  if (found.example) view.nameExample(found.example, state.cheaper);
  facets.show(found.facets, state, currency);
  chips.show(state, currency, change);
  understood.show(found.answer, state, currency, change);
  if (found.hits.length) cards.show(found.hits, before, does);
  else nothing();
  view.noteRestart(found.restarted);
  memory.noteList(found);
  if (back) scrollTo({ top: memory.place(), behavior: "instant" });
}

const does = { onWhy: open, onAlike: alike };

/** Opens the drawer; a variant is read in full first, since the list holds the best product only. */
async function open(hit, shown) {
  const { answer } = last.found;
  const whole = shown === hit.product ? shown : await product(shown.id).catch(() => shown);
  why.openWhy(hit, whole, answer, alike, state.sort);
}

function nothing() {
  cards.clear();
  const ways = chips.waysOut(state, currency, change);
  if (!ways.length) {
    const tip = state.cheaper ? t("Nothing like it costs less.") : t("No product fits. Try fewer or other words, or show a photo.");
    view.say(t("Nothing found"), tip);
    return;
  }
  view.say(t("Nothing fits all of this"), t("Take off what matters least:"),
    make("div", { class: "ways" }, ...ways),
    make("button", { type: "button", class: "plain", onclick: () => change(asked.unfiltered()) }, t("Drop all filters")));
}

async function more() {
  if (!last?.found.token || byId("more").ariaDisabled === "true") return;
  const { signal } = running;
  const shown = last.found.hits.length;
  view.waitForMore(true);
  try {
    const found = await listing.more(last.found, state, signal);
    if (signal.aborted) return;
    const isLonger = found.answer === last.found.answer;
    last.found = found;
    if (isLonger) cards.append(found.hits.slice(shown), does);
    else cards.show(found.hits, null, does);
    moreArrived(found, shown);
  } catch (problem) {
    if (problem.name === "AbortError") return;
    view.noteBelow(t("The next products did not come. Try again in a moment.")); // those above stay
    if (!(problem instanceof Refusal)) throw problem;
  } finally {
    view.waitForMore(false);
  }
}

function moreArrived(found, shown) {
  const isHere = document.activeElement === byId("more");
  state = { ...state, shown: Math.min(asked.MOST, Math.ceil(found.hits.length / asked.PAGE) * asked.PAGE) };
  memory.go(asked.write(state), { replace: true });
  memory.noteList(found);
  view.counts(found, true);
  view.noteRestart(found.restarted);
  if (isHere && !found.token) byId("grid").children[shown]?.querySelector(".name").focus();
}

function failed(problem) {
  if (problem.status === FORBIDDEN && visitor.who(state.user)) {
    visitor.fallSilent();
    change({ user: "" }, { replace: true }); // this page may not shop as somebody
    return;
  }
  last = null;
  cards.clear();
  view.blank();
  facets.show(null, state, currency);
  understood.show(null, state, currency, change);
  const button = (text, onclick) => make("button", { type: "button", class: "plain", onclick }, text);
  if (listing.isUnreadable(problem, state)) {
    view.say(t("This photo cannot be read"), problem.detail, button(t("Choose another photo"), photo.choose));
    return;
  }
  const told = problem instanceof Refusal ? problem : new Refusal(t("Something went wrong"), t("The page could not show the answer."));
  const wait = told.retryAfterS ? ` ${t("Try again in {} s.", told.retryAfterS)}` : "";
  view.say(told.title, told.detail + wait, button(t("Try again"), () => change({ shown: state.shown })));
  if (!(problem instanceof Refusal)) throw problem;
}

/** Shows the state in the controls. */
function draw() {
  view.controls(state);
  photo.show(state.photo);
  chips.show(state, currency, change);
  const isHome = !asked.asks(state) && !asked.isFiltered(state);
  welcome.show(isHome, (words) => change({ words }));
  proposals.show(isHome, state.user, (hit, answer) => why.openWhy(hit, hit.product, answer, alike, asked.SORTS[0]));
  showExample(state.like);
}

/** Shows what became of a verdict: the order that is, with what moved. */
function retold() {
  memory.forgetLists(); // they are of the taste before
  run({ isSame: true });
}

function remembered() {
  const shopper = visitor.who(state.user);
  history.open(shopper, () => {
    liking.forget(shopper);
    if (visitor.isVisitor(shopper)) visitor.forget();
    retold();
  });
}

async function showExample(id) {
  const preview = byId("like-preview");
  if (preview.dataset.of === id) return;
  preview.dataset.of = id;
  preview.removeAttribute("src");
  const found = id ? await product(id).catch(() => null) : null;
  if (found?.image_url && preview.dataset.of === id) preview.src = `${found.image_url}?width=256`;
}

function alike(found, cheaper) {
  change({ words: "", photo: null, like: found.id, cheaper, sort: asked.SORTS[0], ...asked.unfiltered() });
}

/** Goes up to the first product, if the reader is below it. */
function toTop() {
  const top = Math.max(0, byId("results").offsetTop - byId("top").offsetHeight);
  if (scrollY > top) scrollTo({ top, behavior: "instant" });
}

function take(file) {
  change({ photo: { file, url: URL.createObjectURL(file) }, like: "" });
}

/** Shows the entry of the history that the browser is at. */
function enter() {
  memory.arrive();
  state = { ...asked.read(location.search), photo: memory.photo() };
  drawer.close();
  run({ back: true });
}

say.translate();
say.offer(byId("language"), () => location.reload());
suggest.listen((words) => change({ words }));
photo.listen(take, (text) => view.say(t("That is no photo"), text));
drawer.listen();
liking.listen(() => state.user, retold);
facets.listen(change);
sheet.listen(() => change(asked.unfiltered()));
controls.listen(change, { home: () => change(HOME), more, about: () => last && why.openCourse(last.found.answer), history: remembered });
memory.listen();
addEventListener("popstate", enter);
const early = byId("words").value; // typed before this program was there
enter();
if (early) byId("words").value = early;
document.body.classList.remove("unready");
taste.offer(() => state.user);

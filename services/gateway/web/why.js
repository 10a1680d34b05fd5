// The drawer: a product in full, why it stands where it does, and how the search went.

import { picture } from "./cards.js";
import { close, open } from "./drawer.js";
import { capital, make, number, price, shopAddress } from "./dom.js";
import * as liking from "./liking.js";
import { boughtTogether } from "./proposals.js";
import { t } from "./say.js";

const TERMS = {
  "fusion.text": ["Words", "text"],
  "fusion.image": ["Picture", "image"],
  "fusion.image_imputed": ["Picture, estimated", "image"],
  "fusion.minmax": ["Words and picture", "text"],
  taste: ["Taste", "taste"],
  "source.taste": ["Taste", "taste"],
  "source.bought_together": ["Bought together", "image"],
  "source.popular": ["Popular now", "text"],
  "source.new": ["New in", "text"],
};
const RETRIEVERS = { text: "Words", image: "Picture" };
const SOURCES = { taste: "Taste", bought_together: "Bought together", popular: "Popular now", new: "New in" };
const MODES = {
  user: "what this shopper bought and liked",
  session: "what was looked at just now",
  cold: "nothing is known of this shopper yet",
};
const SORTED = { price_asc: "price", price_desc: "price", newest: "date" };
const STAGES = { text: "Words", image: "Picture", ranking: "Ranking", taste: "Taste" };
const COVERAGE = { ok: "answered", timeout: "too late", error: "failed", shed: "too busy", skipped: "not asked" };

/**
 * Opens the drawer on a product of a hit, which may be one of its variants. `answer` is the reply
 * that it came in, `sort` its order; `onAlike(product, cheaper)` takes the wish for others.
 */
export function openWhy(hit, product, answer, onAlike, sort) {
  const shop = shopAddress(product);
  const wish = (cheaper) => () => {
    close();
    onAlike(product, cheaper);
  };
  open(
    make("div", { class: "product" }, picture(product),
      make("div", {},
        make("p", { class: "brand" }, product.brand),
        make("h2", { id: "drawer-title" }, product.title),
        make("p", { class: "price" }, price(product.price_minor, product.currency),
          shop ? make("a", { class: "link shop", href: shop, target: "_blank", rel: "noopener noreferrer" }, t("Shop ↗")) : null),
        make("div", { class: "wishes" },
          make("button", { type: "button", class: "plain", onclick: wish(false) }, t("Similar")),
          product.price_minor === null ? null : make("button", { type: "button", class: "plain", onclick: wish(true) }, t("Cheaper")),
          liking.buttons(product)))),
    boughtTogether(product, (other, reply) => openWhy(other, other.product, reply, onAlike, "relevance")),
    hit.explanation ? reasons(hit, product, sort) : null,
    details(product),
    answer.timings_ms ? course(answer) : null);
  liking.looked(product);
}

/** Opens the drawer on the search itself. */
export function openCourse(answer) {
  open(make("h2", { id: "drawer-title" }, t("How this search went")), course(answer));
}

function reasons(hit, product, sort) {
  const { terms, retrievers, moves = [] } = hit.explanation;
  const notes = [
    product.id === hit.product.id ? "" : t("Its style was found by {}, which this is about.", hit.product.colour || hit.product.title),
    SORTED[sort] ? t("The list is ordered by {}, not by this score.", t(SORTED[sort])) : "",
  ].filter(Boolean);
  const steps = moves.filter((move) => move.from !== move.to);
  const sum = terms.reduce((total, term) => total + term.value, 0);
  return make("section", { class: "why" },
    make("h3", {}, t("Why it is no. {}", hit.rank)),
    ...notes.map((note) => make("p", { class: "muted small prose" }, note)),
    bar(terms),
    make("table", { class: "terms" },
      make("caption", { class: "unseen" }, t("Terms of the score")),
      make("tbody", {}, ...terms.map(termRow)),
      make("tfoot", {}, make("tr", {},
        make("th", { scope: "row" }, t("Score")), make("td", { class: "sum", "data-score": hit.score, "data-sum": sum }, number(hit.score, 4))))),
    make("ul", { class: "ranks" }, ...ways(retrievers ?? {})),
    steps.length ? make("ul", { class: "moves muted small", "aria-label": t("Moves") }, ...steps.map((move) =>
      make("li", {}, t("From no. {} to no. {}: {}", move.from, move.to, move.why || move.stage)))) : null);
}

function termRow(term) {
  const [label, tone] = TERMS[term.name] ?? [term.name, "text"];
  const mode = term.mode ? make("small", {}, t(MODES[term.mode] ?? term.mode)) : null;
  return make("tr", { class: "term", "data-name": term.name, "data-value": term.value },
    make("th", { scope: "row" }, make("span", { class: `dot ${tone}` }), t(label), mode),
    make("td", {}, number(term.value, 4)));
}

/** Stacks the terms: what lifts the product to the right of zero, what lowers it to the left. */
function bar(terms) {
  const span = terms.reduce((total, term) => total + Math.abs(term.value), 0) || 1;
  const parts = [...terms].sort((one, two) => (one.value < 0 ? 0 : 1) - (two.value < 0 ? 0 : 1));
  const stack = make("div", { class: "stack", "aria-hidden": "true" });
  for (const term of parts) {
    const piece = make("span", { class: `piece ${(TERMS[term.name] ?? ["", "text"])[1]}${term.value < 0 ? " minus" : ""}` });
    piece.style.setProperty("flex-basis", `${(100 * Math.abs(term.value)) / span}%`);
    stack.append(piece);
  }
  return stack;
}

/** Where each retriever had the product, or what proposed it where nothing was searched for. */
function ways(places) {
  const isProposed = Object.keys(places).some((name) => name in SOURCES);
  const labels = Object.entries(isProposed ? SOURCES : RETRIEVERS);
  return labels.filter(([name]) => !isProposed || places[name]).map(([name, label]) => rankLine(t(label), places[name]));
}

function rankLine(label, place) {
  return make("li", {}, make("span", {}, label),
    place
      ? make("span", {}, make("b", {}, t("no. {}", place.rank)), ` ${t("with score {}", number(place.score, 3))}`)
      : make("span", { class: "muted" }, t("not found this way")));
}

function details(product) {
  const rows = [
    [t("Colour"), product.colour], [t("For"), product.gender], [t("Season"), product.season],
    ...Object.entries(product.attributes ?? {}),
  ].filter(([, value]) => value);
  return make("section", {},
    make("h3", {}, t("Details")),
    product.description ? make("p", { class: "prose" }, product.description) : null,
    product.sizes?.length
      ? make("ul", { class: "sizes", "aria-label": t("Sizes") }, ...product.sizes.map((size) =>
          make("li", { class: size.stock ? null : "gone", title: size.stock ? t("{} in stock", size.stock) : t("sold out") }, size.size)))
      : null,
    make("dl", {}, ...rows.flatMap(([name, value]) => [make("dt", {}, capital(name)), make("dd", {}, value)])),
    make("p", { class: "muted small" }, product.id));
}

function course(answer) {
  const times = Object.entries(answer.timings_ms);
  const longest = Math.max(1, ...times.map(([, value]) => value));
  const meter = ([name, value]) => {
    const fillBar = make("span", { class: "fill" });
    fillBar.style.setProperty("width", `${(100 * value) / longest}%`);
    return make("li", {}, make("span", {}, capital(name.replaceAll("_", " "))), make("span", { class: "track" }, fillBar),
      make("span", { class: "figure" }, `${number(value, 1)} ms`));
  };
  const stages = Object.entries(answer.coverage).map(([name, state]) => {
    const made = answer.generations[name];
    return make("li", {}, make("span", {}, t(STAGES[name] ?? name)),
      make("span", { class: state === "ok" || state === "skipped" ? "" : "bad" }, t(COVERAGE[state] ?? state)),
      make("code", {}, made?.generation ?? ""));
  });
  return make("section", { class: "course" },
    make("h3", {}, t("This search")),
    make("p", { class: "muted small" }, t("{} ms of {} ms allowed, release {}", answer.took_ms, number(answer.budget_ms), answer.release || t("none"))),
    times.length ? make("ul", { class: "times" }, ...times.map(meter)) : null,
    make("ul", { class: "stages" }, ...stages),
    make("p", { class: "muted small" }, t("Request {}", answer.request_id)));
}

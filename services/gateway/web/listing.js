// The list that a question found, page by page. Knows no elements.

import { Refusal, product, search, similar, upload } from "./api.js";
import { sized } from "./photo.js";
import * as asked from "./state.js";

const GONE = 410; // the page token is too old
const INVALID = 400;
const TOO_LARGE = 413;
const NOT_KEPT = [401, 403, 404, 405, 501]; // a gateway that takes no photo for keeps from here

/**
 * A list: `hits` so far, `total`, `facets` (null where nothing was counted), `token` of the next
 * page ("" on the last), `answer` as it came with the first page, `restarted` where the order was
 * made anew on the way.
 */
const listing = (answer) => ({
  hits: answer.hits,
  total: answer.total,
  facets: answer.facets ?? null,
  token: answer.next_page_token || "",
  answer,
  restarted: false,
});

/** Finds the first products, as many as `state.shown` says, in pages. */
export async function find(state, signal) {
  if (asked.isAlike(state)) return alike(state, signal);
  if (state.photo) await ready(state.photo, signal);
  let found = listing(await ask(state, "", signal));
  while (found.token && found.hits.length < state.shown) found = await following(found, state, signal);
  return found;
}

/** Finds the page after those of a list; a list that went out of date is found again, as far. */
export async function more(found, state, signal) {
  try {
    return await following(found, state, signal);
  } catch (problem) {
    if (!outOfDate(problem)) throw problem;
    return find({ ...state, shown: found.hits.length + asked.PAGE }, signal);
  }
}

async function following(found, state, signal) {
  const answer = await ask(state, found.token, signal);
  const known = new Set(found.hits.map((hit) => hit.product.id));
  const fresh = answer.hits.filter((hit) => !known.has(hit.product.id)); // an order made anew may repeat
  return {
    ...found,
    hits: [...found.hits, ...fresh],
    total: answer.total ?? found.total,
    token: answer.next_page_token || "",
    restarted: found.restarted || answer.degraded_reasons.includes("paging_restarted"),
  };
}

/** Whether the token is no longer honoured: too old, or signed by a gateway before this one. */
const outOfDate = (problem) =>
  problem instanceof Refusal && (problem.status === GONE || problem.field === "page_token");

/** Whether a problem is that the photo asked with is damaged, too large or none; it stays so. */
export function isUnreadable(problem, state) {
  if (!state.photo || !(problem instanceof Refusal)) return false;
  const isPhotos = ["photo", `parts[${asked.photoPlace(state)}]`].includes(problem.field);
  return problem.status === TOO_LARGE || (problem.status === INVALID && isPhotos);
}

const ask = (state, token, signal) =>
  search(asked.query(state, token), { photo: state.photo?.sha256 ? null : state.photo?.sent, signal });

async function alike(state, signal) {
  const example = await product(state.like, signal);
  const cheaper = state.cheaper && example.price_minor !== null
    ? [{ field: "price_minor", lt: example.price_minor }]
    : [];
  const filter = asked.filterOf(state, ...cheaper);
  const answer = await similar(state.like, { filter, count: asked.ALIKE, signal });
  const total = { value: answer.hits.length, relation: "eq" };
  return { ...listing({ ...answer, total, next_page_token: "" }), example };
}

/** Gives a photo to the gateway once; one that it does not keep is sent with each search. */
async function ready(photo, signal) {
  if (photo.sha256 || photo.sent) return;
  const sent = await sized(photo.file);
  try {
    photo.sha256 = await upload(sent, signal);
  } catch (problem) {
    if (!(problem instanceof Refusal) || !NOT_KEPT.includes(problem.status)) throw problem;
    photo.sent = sent;
  }
}

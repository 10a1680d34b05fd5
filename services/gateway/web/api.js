// Talks to the gateway that served this page.

import { t } from "./say.js";

/** What the gateway, or the way to it, refused; `retryAfterS` where another try makes sense. */
export class Refusal extends Error {
  constructor(title, detail, { status = 0, field = "", retryAfterS = null } = {}) {
    super(detail);
    this.title = title;
    this.detail = detail;
    this.status = status;
    this.field = field;
    this.retryAfterS = retryAfterS;
  }
}

/**
 * Searches. `query` is the body of POST /v1/search; a photo that the gateway does not keep goes
 * beside it in a multipart body. Throws a Refusal, or the AbortError of `signal`.
 */
export function search(query, { photo = null, signal } = {}) {
  if (!photo) return post("/v1/search", JSON.stringify(query), "application/json", signal);
  const body = new FormData();
  body.append("request", new Blob([JSON.stringify(query)], { type: "application/json" }));
  body.append("image", photo, "photo");
  return answer("/v1/search", { method: "POST", body, signal });
}

/** Keeps a photo and returns the hash that a search may name it by. */
export async function upload(photo, signal) {
  return (await post("/v1/images", photo, photo.type, signal)).sha256;
}

/** Lists products that are like one `by` look, or are bought together with it; `filter` may be absent. */
export function similar(id, { by = "look", filter, count, signal }) {
  const asked = new URLSearchParams({ by, page_size: String(count) });
  if (filter) asked.set("filter", JSON.stringify(filter));
  return answer(`/v1/products/${encodeURIComponent(id)}/similar?${asked}`, { signal });
}

/** Completes what is being typed; nothing where the gateway has no help to give. */
export async function suggestions(text, limit, signal) {
  const asked = new URLSearchParams({ q: text, limit: String(limit) });
  try {
    return (await answer(`/v1/suggest?${asked}`, { signal })).suggestions;
  } catch (problem) {
    if (problem instanceof Refusal || problem.name === "AbortError") return [];
    throw problem;
  }
}

/** Reads one product. */
export const product = (id, signal) =>
  answer(`/v1/products/${encodeURIComponent(id)}`, { signal });

/** Reads several products; those that do not exist are left out. */
export const products = async (ids, signal) =>
  (await post("/v1/products:batchGet", JSON.stringify({ ids }), "application/json", signal)).products;

/** Proposes products to a shopper, or with "" to a stranger. */
export function recommendations(user, count, signal) {
  if (!user) return post("/v1/recommendations", JSON.stringify({ page_size: count, explain: true }), "application/json", signal);
  const asked = new URLSearchParams({ page_size: String(count), explain: "true" });
  return answer(`/v1/users/${encodeURIComponent(user)}/recommendations?${asked}`, { signal });
}

/** Tells the shop what a shopper did with a product; it knows when this returns. */
export async function record(user, product, kind) {
  const event = { event_id: crypto.randomUUID?.() ?? randomId(), user_id: user, product_id: product, kind };
  const { results } = await post("/v1/interactions", JSON.stringify({ events: [event] }), "application/json");
  const [verdict] = results;
  if (verdict.status === "rejected") throw new Refusal(t("Something went wrong"), verdict.problem ?? "");
}

/** Reads what a shopper did, newest first. */
export const interactions = (user, count) =>
  answer(`/v1/users/${encodeURIComponent(user)}/interactions?page_size=${count}`, {});

/** Makes the shop forget a shopper. */
export const erase = (user) => answer(`/v1/users/${encodeURIComponent(user)}`, { method: "DELETE" });

/** Reads some demo shoppers; none where the catalogue is not the demo's or they are not shown. */
export async function shoppers(limit) {
  const reply = await fetch(`/v1/shoppers:sample?limit=${limit}`);
  return reply.ok ? (await reply.json()).shoppers : [];
}

// A page that came without encryption has no randomUUID.
const randomId = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join("-");

const post = (path, body, type, signal) =>
  answer(path, { method: "POST", body, headers: { "Content-Type": type }, signal });

async function answer(path, asked) {
  let reply = await reached(path, asked);
  if (reply.status === 401) {
    await reached("/", { cache: "no-store", signal: asked.signal }); // the page brings a new session
    reply = await reached(path, asked);
  }
  if (reply.ok) return reply.json();
  throw await refusal(reply);
}

async function reached(path, asked) {
  try {
    return await fetch(path, asked);
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new Refusal(t("No connection"), t("The shop cannot be reached. Is it still running?"));
  }
}

async function refusal(reply) {
  const told = await reply.json().catch(() => ({}));
  const seconds = Number.parseInt(reply.headers.get("Retry-After") ?? "", 10);
  const detail = told.detail ?? t("The shop did not understand itself.");
  return new Refusal(told.title ?? t("Error {}", reply.status), sentence(detail), {
    status: reply.status,
    field: told.field ?? "",
    retryAfterS: Number.isFinite(seconds) ? seconds : null,
  });
}

const sentence = (text) =>
  text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

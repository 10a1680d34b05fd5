// Talks to the gateway that served this page.

/** What the gateway, or the way to it, refused; `retryAfterS` where another try makes sense. */
export class Refusal extends Error {
  constructor(title, detail, { retryAfterS = null, requestId = "" } = {}) {
    super(detail);
    this.title = title;
    this.detail = detail;
    this.retryAfterS = retryAfterS;
    this.requestId = requestId;
  }
}

/**
 * Searches. `query` is the body of POST /v1/search; a photo goes beside it in a multipart body.
 * Throws a Refusal, or the AbortError of `signal`.
 */
export async function search(query, photo, signal) {
  const asked = { method: "POST", signal };
  if (photo) {
    asked.body = new FormData();
    asked.body.append("request", new Blob([JSON.stringify(query)], { type: "application/json" }));
    asked.body.append("image", photo, "photo");
  } else {
    asked.body = JSON.stringify(query);
    asked.headers = { "Content-Type": "application/json" };
  }
  return answer("/v1/search", asked);
}

/** Reads one product. */
export const product = (id, signal) =>
  answer(`/v1/products/${encodeURIComponent(id)}`, { signal });

/** Reads some demo shoppers; none where the catalogue is not the demo's. */
export async function shoppers(limit) {
  const reply = await fetch(`/v1/shoppers:sample?limit=${limit}`);
  return reply.ok ? (await reply.json()).shoppers : [];
}

async function answer(path, asked) {
  let reply;
  try {
    reply = await fetch(path, asked);
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new Refusal("No connection", "The shop cannot be reached. Is it still running?");
  }
  if (reply.ok) return reply.json();
  throw await refusal(reply);
}

async function refusal(reply) {
  const told = await reply.json().catch(() => ({}));
  const seconds = Number.parseInt(reply.headers.get("Retry-After") ?? "", 10);
  const detail = told.detail ?? "The shop did not understand itself.";
  return new Refusal(told.title ?? `Error ${reply.status}`, sentence(detail), {
    retryAfterS: Number.isFinite(seconds) ? seconds : null,
    requestId: told.request_id ?? "",
  });
}

const sentence = (text) =>
  text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

// What is being asked, kept in the address so that a search can be shared. A photo is not: it
// stays between the shopper and the shop.

export const PAGE = 24;
export const MOST = 96;
export const USUAL_SHARE = 30;

/** Reads what the address asks for. */
export function read(address) {
  const values = new URLSearchParams(address);
  return {
    words: values.get("q") ?? "",
    like: values.get("like") ?? "",
    user: values.get("user") ?? "",
    share: whole(values.get("taste"), 0, 100, USUAL_SHARE),
    count: whole(values.get("n"), PAGE, MOST, PAGE),
    photo: null,
  };
}

/** Writes the address of a state. */
export function write(state) {
  const values = new URLSearchParams();
  if (state.words) values.set("q", state.words);
  if (state.like) values.set("like", state.like);
  if (state.user) values.set("user", state.user);
  if (state.user && state.share !== USUAL_SHARE) values.set("taste", String(state.share));
  if (state.count !== PAGE) values.set("n", String(state.count));
  const text = values.toString();
  return text ? `/?${text}` : "/";
}

/** Whether there is anything to search for. */
export const asks = (state) => Boolean(state.words.trim() || state.photo || state.like);

/** Returns the body of the search. */
export function query(state) {
  const parts = [];
  if (state.words.trim()) parts.push({ text: state.words.trim() });
  if (state.photo) parts.push({ image: { upload: "image" } });
  if (state.like) parts.push({ product_id: state.like });
  const body = { parts, page_size: state.count, explain: true };
  if (state.user) Object.assign(body, { user_id: state.user, personalization: state.share / 100 });
  return body;
}

function whole(text, least, most, usual) {
  const value = Number.parseInt(text ?? "", 10);
  return Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : usual;
}

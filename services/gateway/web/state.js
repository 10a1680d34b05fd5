// What is being asked: read from the address, written to it, and put as a search. A photo is not in
// the address: it stays between the shopper and the shop.

import { who } from "./visitor.js";

export const PAGE = 24;
export const MOST = 1000; // a search reaches no further
export const ALIKE = 48; // products shown for one example
export const USUAL_SHARE = 30;
export const FIELDS = ["kind", "gender", "colour", "size", "brand", "season"];
export const SORTS = ["relevance", "newest", "price_asc", "price_desc"];

/** Reads what the address asks for. */
export function read(address) {
  const values = new URLSearchParams(address);
  const sort = values.get("sort");
  return {
    words: values.get("q") ?? "",
    like: values.get("like") ?? "",
    cheaper: values.get("cheaper") === "1",
    user: values.get("user") ?? "",
    share: whole(values.get("taste"), 0, 100, USUAL_SHARE),
    sort: SORTS.includes(sort) ? sort : SORTS[0],
    shown: whole(values.get("n"), PAGE, MOST, PAGE),
    chosen: Object.fromEntries(FIELDS.map((field) => [field, several(values, field)])),
    stock: values.get("stock") === "1",
    price: range(values.get("price") ?? ""),
    without: several(values, "without"),
    ignore: several(values, "ignore"),
    bare: values.get("bare") === "1",
    photo: null,
  };
}

/** Writes the address of a state. */
export function write(state) {
  const values = new URLSearchParams();
  if (state.words) values.set("q", state.words);
  if (state.like) values.set("like", state.like);
  if (state.like && state.cheaper) values.set("cheaper", "1");
  for (const field of FIELDS) for (const value of state.chosen[field]) values.append(field, value);
  if (state.stock) values.set("stock", "1");
  if (state.price) values.set("price", `${state.price.gte ?? ""}-${state.price.lt ?? ""}`);
  for (const text of state.without) values.append("without", text);
  for (const name of state.ignore) values.append("ignore", name);
  if (state.photo && state.bare) values.set("bare", "1");
  if (state.sort !== SORTS[0]) values.set("sort", state.sort);
  if (state.user) values.set("user", state.user);
  if (state.share !== USUAL_SHARE) values.set("taste", String(state.share));
  if (state.shown !== PAGE) values.set("n", String(state.shown));
  const text = values.toString();
  return text ? `/?${text}` : "/";
}

/** What a state looks like without any filter. */
export const unfiltered = () => ({
  chosen: Object.fromEntries(FIELDS.map((field) => [field, []])),
  stock: false,
  price: null,
  without: [],
});

/** The change that takes a value of a field on or off. */
export function toggled(state, field, value) {
  const values = state.chosen[field];
  const next = values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
  return { chosen: { ...state.chosen, [field]: next } };
}

/** Whether the search has words, a photo or an example; without, the newest are shown. */
export const asks = (state) => Boolean(state.words.trim() || state.photo || state.like);

/** Whether any filter is set. */
export const isFiltered = (state) =>
  state.stock || state.price !== null || state.without.length > 0 || FIELDS.some((field) => state.chosen[field].length > 0);

/** Whether only products like an example are asked for, which is another call than a search. */
export const isAlike = (state) => Boolean(state.like && !state.words.trim() && !state.photo && !state.without.length);

/** The filter of a state as the search takes it; undefined where there is none. */
export function filterOf(state, ...more) {
  const conditions = FIELDS.filter((field) => state.chosen[field].length)
    .map((field) => ({ field, in: state.chosen[field] }));
  if (state.stock) conditions.push({ field: "in_stock", in: [true] });
  if (state.price) conditions.push(interval(state.price));
  conditions.push(...more);
  return conditions.length > 1 ? { and: conditions } : conditions[0];
}

/** The place of the photo among the parts of the search. */
export const photoPlace = (state) => (state.words.trim() ? 1 : 0);

/** Returns the body of the search; `token` names the page where it is not the first. */
export function query(state, token) {
  const parts = [];
  if (state.words.trim()) parts.push({ text: state.words.trim() });
  if (state.photo) parts.push(photoPart(state));
  if (state.like) parts.push({ product_id: state.like });
  const body = {
    parts, filter: filterOf(state), facets: [...FIELDS, "in_stock", "price_minor"],
    sort: state.sort, page_size: PAGE, collapse: true, explain: true,
  };
  if (state.without.length) body.exclude = state.without;
  if (state.ignore.length) body.understand = { ignore: state.ignore };
  const shopper = who(state.user);
  if (shopper) Object.assign(body, { user_id: shopper, personalization: state.share / 100 });
  if (token) body.page_token = token;
  return body;
}

function photoPart({ photo, bare }) {
  const part = { image: photo.sha256 ? { sha256: photo.sha256 } : { upload: "image" } };
  return bare ? { ...part, remove_background: true } : part;
}

const several = (values, name) => [...new Set(values.getAll(name).filter(Boolean))];

function interval({ gte, lt }) {
  const condition = { field: "price_minor" };
  if (gte !== null) condition.gte = gte;
  if (lt !== null) condition.lt = lt;
  return condition;
}

function range(text) {
  const found = /^(\d{0,15})-(\d{0,15})$/.exec(text);
  if (!found || text === "-") return null;
  const [gte, lt] = [found[1], found[2]].map((end) => (end ? Number(end) : null));
  return { gte, lt };
}

function whole(text, least, most, usual) {
  const value = Number.parseInt(text ?? "", 10);
  return Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : usual;
}

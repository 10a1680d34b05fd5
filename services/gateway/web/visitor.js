// Knows who is shopping: the shopper that was chosen, else a visitor without a name, who begins to
// be somebody with the first thing they tell the shop.

const KEPT = "hemline.visitor"; // in this browser, until the visitor has it erased

let own = null; // where the browser forbids to store it, for as long as the page is open
let isSilent = false; // whether this gateway takes no word of shoppers from here

/** The id that asks: the chosen shopper's, or the visitor's once there is one, else "". */
export const who = (user) => user || known();

/** The id to tell the shop things under, which makes the visitor somebody. */
export const speaker = (user) => who(user) || begun();

/** Whether the shop listens to this page. */
export const isHeard = () => !isSilent;

/** Notes that the gateway refuses to listen, and forgets the visitor, who could not ask either. */
export function fallSilent() {
  isSilent = true;
  forget();
}

/** Makes the visitor a stranger again. */
export function forget() {
  own = null;
  try {
    localStorage.removeItem(KEPT);
  } catch {
    // it was never there
  }
}

/** Whether an id is one that this page drew. */
export const isVisitor = (id) => id.startsWith("anon-");

function known() {
  try {
    return localStorage.getItem(KEPT) ?? "";
  } catch {
    return own ?? "";
  }
}

function begun() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  own = `anon-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  try {
    localStorage.setItem(KEPT, own);
  } catch {
    // it stays with the page
  }
  return own;
}

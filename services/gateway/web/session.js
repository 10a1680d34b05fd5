// Keeps small things for as long as the tab is open, also where the browser forbids to store them.

const own = new Map(); // lost with a reload

/** The text kept under a name, or null. */
export function get(name) {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return own.get(name) ?? null;
  }
}

/** Keeps a text under a name. */
export function set(name, text) {
  try {
    sessionStorage.setItem(name, text);
  } catch {
    own.set(name, text);
  }
}

// Builds elements; text goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** Finds an element that the page is known to have. */
export const byId = (id) => document.getElementById(id);

/**
 * Makes an element. Children are strings (text) or nodes; null is passed over.
 * Attributes: `class`, any attribute by name, `on…` listeners as functions.
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  return dressed(element, attributes, children);
}

/** Makes an SVG element with one path. */
export function icon(path, attributes = {}) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  drawing.append(line);
  return dressed(drawing, attributes, []);
}

function dressed(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Puts new children in the place of the old. */
export const fill = (element, ...children) => element.replaceChildren(...children.filter(Boolean));

/** How many minor units make one unit of a currency: 100 for EUR, 1 for JPY. */
export const minorUnits = (currency) => (currency ? 10 ** money(currency).resolvedOptions().maximumFractionDigits : 100);

/** Formats a price of minor units in the reader's language; empty where there is none. */
export function price(minor, currency) {
  if (minor === null || minor === undefined || !currency) return "";
  return money(currency).format(minor / minorUnits(currency));
}

/** Formats a price in short, without cents where there are none; the currency may be unknown. */
export function roundPrice(minor, currency) {
  const units = minor / minorUnits(currency);
  const digits = Number.isInteger(units) ? { maximumFractionDigits: 0 } : {};
  return currency ? money(currency, digits).format(units) : new Intl.NumberFormat(undefined, digits).format(units);
}

const money = (currency, options) => new Intl.NumberFormat(undefined, { style: "currency", currency, ...options });

/** Formats a number with some decimals. */
export const number = (value, decimals = 0) =>
  new Intl.NumberFormat(undefined, {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  }).format(value);

/** Makes the first letter a capital. */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** The address of a product in its shop, or "" where it is no address of the web. */
export function shopAddress(product) {
  const address = URL.canParse(product.product_url || "") ? new URL(product.product_url) : null;
  return address && ["http:", "https:"].includes(address.protocol) ? address.href : "";
}

// Shows the filters beside the products, or where there is no room, in a sheet over them.

import { byId } from "./dom.js";

const NARROW = "(max-width: 60rem)";

/** Moves the filters where they belong, now and when the window changes. */
export function listen(onClear) {
  const narrow = matchMedia(NARROW);
  const sheet = byId("sheet");
  const place = () => {
    byId(narrow.matches ? "sheet-body" : "aside").append(byId("panel"));
    if (!narrow.matches) sheet.close();
  };
  narrow.addEventListener("change", place);
  place();
  byId("filters").addEventListener("click", () => sheet.showModal());
  for (const id of ["sheet-close", "sheet-done"]) byId(id).addEventListener("click", () => sheet.close());
  byId("sheet-clear").addEventListener("click", onClear);
  sheet.addEventListener("click", (event) => {
    if (event.target === sheet) sheet.close();
  });
}

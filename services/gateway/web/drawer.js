// The drawer at the side: one thing at a time is shown in it.

import { byId, fill } from "./dom.js";

/** Shows elements in the drawer; one of them has the id drawer-title. */
export function open(...children) {
  fill(byId("drawer-body"), ...children);
  const drawer = byId("drawer");
  if (!drawer.open) drawer.showModal();
  drawer.scrollTop = 0;
}

/** Closes the drawer. */
export const close = () => byId("drawer").close();

/** Makes the drawer close by its button and by a press beside it. */
export function listen() {
  const drawer = byId("drawer");
  byId("drawer-close").addEventListener("click", close);
  drawer.addEventListener("click", (event) => {
    if (event.target === drawer) close();
  });
}

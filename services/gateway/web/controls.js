// Listens to the controls that are always there.

import { byId } from "./dom.js";

/** Binds them: `change` takes a change of what is asked, `does` what the other buttons do. */
export function listen(change, does) {
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    change({});
    byId("words").blur();
  });
  byId("home").addEventListener("click", (event) => {
    event.preventDefault();
    does.home();
  });
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // a new entry of the history would be a new search
    byId("results").focus();
  });
  press("photo-remove", () => change({ photo: null }));
  byId("bare").addEventListener("change", (event) => change({ bare: event.target.checked }));
  press("like-remove", () => change({ like: "", cheaper: false }));
  press("tab-all", () => change({ cheaper: false }));
  press("tab-cheaper", () => change({ cheaper: true }));
  press("more", does.more);
  press("about", does.about);
  press("history", does.history);
  byId("sort").addEventListener("change", (event) => change({ sort: event.target.value }));
  byId("shopper").addEventListener("change", (event) => change({ user: event.target.value }));
  byId("share").addEventListener("input", (event) => {
    byId("share-value").textContent = `${event.target.value} %`;
  });
  byId("share").addEventListener("change", (event) => change({ share: Number(event.target.value) }, { replace: true }));
  addEventListener("keydown", slash);
}

const press = (id, does) => byId(id).addEventListener("click", () => does());

/** Lets "/" lead to the words, as elsewhere on the web. */
function slash(event) {
  const typing = event.target.closest?.("input, select, textarea, dialog");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  byId("words").focus();
}

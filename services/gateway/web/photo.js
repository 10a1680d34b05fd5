// Takes a photo by choosing, dropping or pasting.

import { byId } from "./dom.js";
import { t } from "./say.js";

const KINDS = ["image/jpeg", "image/png", "image/webp"];
const LARGE_BYTES = 1_500_000;
const LARGEST_SIDE = 1280;

/** Listens for photos in every way they can come; calls `take(file)` or `refuse(sentence)`. */
export function listen(take, refuse) {
  const offered = (file) => {
    if (!file) return;
    if (!KINDS.includes(file.type)) refuse(t("A photo must be a JPEG, PNG or WebP file."));
    else take(file);
  };
  byId("choose").addEventListener("click", choose);
  byId("file").addEventListener("change", (event) => {
    offered(event.target.files[0]);
    event.target.value = "";
  });
  document.addEventListener("paste", (event) => {
    const file = firstFile(event.clipboardData);
    if (file) {
      event.preventDefault();
      offered(file);
    }
  });
  listenForDrops(offered);
  byId("photo-preview").addEventListener("error", () => byId("photo-chip").classList.add("unread"));
}

/** Lets the reader choose one. */
export const choose = () => byId("file").click();

/** Shows the photo that is searched with, or a mark where the browser cannot draw it; null: none. */
export function show(chosen) {
  const [chip, preview] = [byId("photo-chip"), byId("photo-preview")];
  chip.hidden = !chosen;
  if (!chosen || preview.src === new URL(chosen.url, location.href).href) return;
  chip.classList.remove("unread");
  preview.src = chosen.url;
}

function listenForDrops(offered) {
  const veil = byId("drop");
  let depth = 0; // dragenter and dragleave come for every child
  const show = (on) => {
    depth = on ? depth : 0;
    veil.hidden = !on;
  };
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => {
    if (!carries(event)) return;
    depth += 1;
    show(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (carries(event) && --depth <= 0) show(false);
  });
  document.addEventListener("dragover", (event) => {
    if (carries(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    show(false);
    offered(firstFile(event.dataTransfer));
  });
}

const firstFile = (transfer) =>
  [...(transfer?.files ?? [])].find((file) => file.type.startsWith("image/")) ??
  transfer?.files?.[0];

/** Returns the photo, made smaller where it is large; as it is where the browser cannot. */
export async function sized(file) {
  if (file.size <= LARGE_BYTES) return file;
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LARGEST_SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const smaller = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
    return smaller ?? file;
  } catch {
    return file; // the gateway says what is wrong with it
  }
}

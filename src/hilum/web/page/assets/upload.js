// Upload: files wait in a queue that outlives this view; a few are sent at once, each in a Store request of its own.

import { fill, h, say } from "./dom.js";
import { t } from "./language.js";
import { askAbout, kindOf, payload } from "./made.js";
import { all, first, size, text } from "./model.js";
import { DICOM_JSON, SERVICE, credentials } from "./service.js";
import { NotUnpacked, entriesOf } from "./zip.js";

const AT_ONCE = 4;
/** Most rows on the page: what fails is always among them. */
const ROWS = 300;
const MOST_NESTED = 3;
/** What lies beside objects on discs and in folders, and is none. */
const LEFT_OUT = /(^|\/)(dicomdir|thumbs\.db|desktop\.ini|\.ds_store|\._[^/]*|autorun\.inf)$|(^|\/)__macosx\//i;

/** @typedef {{name: string, size: number, open: () => Promise<Blob>, state: "waiting"|"sending"|"done"|"failed", sent: number, result: string, study: string, about: any, kind: string, number: number}} Item */

const queue = {
  /** @type {Item[]} */
  items: [],
  next: 0,
  sending: 0,
  paused: false,
  leftOut: 0,
  /** @type {() => void} */
  changed: () => undefined,
};

addEventListener("beforeunload", (event) => {
  if (queue.sending || queue.items.some((item) => item.state === "waiting")) event.preventDefault();
});

/** @param {import("./app.js").Context} context */
export function show(context) {
  const files = h("input", { type: "file", multiple: true, class: "hidden", id: "files", onchange: () => take([...files.files].map(fromFile)).finally(() => (files.value = "")) });
  const folder = h("input", { type: "file", webkitdirectory: true, class: "hidden", id: "folder", onchange: () => take([...folder.files].map(fromFile)).finally(() => (folder.value = "")) });
  for (const input of [files, folder]) input.setAttribute("tabindex", "-1");
  files.setAttribute("aria-label", t("Choose files"));
  folder.setAttribute("aria-label", t("Choose a folder"));
  const zone = h(
    "div",
    { class: "drop", id: "drop" },
    h("p", {}, t("Drop DICOM files, folders, zip archives, photographs or PDF here, or")),
    h("p", {}, h("button", { type: "button", class: "primary", onclick: () => files.click() }, t("Choose files")), " ", h("button", { type: "button", onclick: () => folder.click() }, t("Choose a folder"))),
    files,
    folder,
  );
  for (const kind of ["dragenter", "dragover"]) zone.addEventListener(kind, () => zone.classList.add("over"));
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (/** @type {DragEvent} */ event) => {
    zone.classList.remove("over");
    if (event.dataTransfer) dropped(event.dataTransfer).then(take);
  });
  const summary = h("div", { class: "summary" });
  const rows = h("ul", { class: "uploads", "aria-label": t("Files") });
  fill(context.place, h("h1", {}, t("Upload")), zone, summary, rows);
  let drawn = false;
  queue.changed = () => {
    if (drawn || context.signal.aborted) return;
    drawn = true;
    // Many small answers a second: the page is drawn a few times a second at most.
    setTimeout(() => {
      drawn = false;
      if (!context.signal.aborted) draw(summary, rows);
    }, 120);
  };
  draw(summary, rows);
}

/** @param {File} file */
const fromFile = (file) => ({ name: file.webkitRelativePath || file.name, size: file.size, open: async () => file });

/** Everything that was dropped, folders and what is in them. @param {DataTransfer} transfer */
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map(fromFile);
  /** @type {any[]} */
  const found = [];
  for (const entry of entries) await walk(/** @type {any} */ (entry), found);
  return found;
}

/** @param {any} entry @param {any[]} found */
async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ name: entry.fullPath.replace(/^\//, ""), size: file.size, open: async () => file });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!batch.length) return;
    for (const one of batch) await walk(one, found);
  }
}

/** Put files in the queue; archives are opened, photographs and documents asked about. @param {any[]} files */
async function take(files) {
  /** @type {any[]} */
  const made = [];
  await sort(files, made, 0);
  run();
  if (!made.length) return;
  const about = await askAbout(made.length);
  if (!about) {
    queue.leftOut += made.length;
    queue.changed();
    return;
  }
  made.forEach((item, index) => enqueue({ ...item, about, number: index + 1 }));
  run();
}

/** @param {any[]} files @param {any[]} made @param {number} depth */
async function sort(files, made, depth) {
  for (const file of files) {
    if (LEFT_OUT.test(file.name) || file.size === 0) {
      queue.leftOut += 1;
      continue;
    }
    // What is in an archive is unpacked when its turn comes; its kind is told by its name until then.
    const kind = depth ? kindByName(file.name) : await kindOf(await file.open());
    if (kind === "application/zip") await unpack(file, made, depth);
    else if (kind.startsWith("image/") || kind === "application/pdf") made.push({ ...file, kind });
    else enqueue({ ...file, kind: "application/dicom" });
  }
}

/** @param {string} name */
function kindByName(name) {
  const ending = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  /** @type {Record<string, string>} */
  const kinds = { zip: "application/zip", jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", gif: "image/gif", pdf: "application/pdf" };
  return kinds[ending] || "";
}

/** @param {any} file @param {any[]} made @param {number} depth */
async function unpack(file, made, depth) {
  try {
    if (depth >= MOST_NESTED) throw new NotUnpacked("depth");
    const entries = await entriesOf(await file.open());
    await sort(entries.map((entry) => ({ ...entry, name: `${file.name}/${entry.name}` })), made, depth + 1);
  } catch (error) {
    if (!(error instanceof NotUnpacked || error instanceof TypeError || error instanceof RangeError)) throw error;
    enqueue({ ...file, kind: "", state: "failed", result: t("The archive cannot be unpacked here: unpack it, and drop its files.") });
  }
}

/** @param {any} item */
function enqueue(item) {
  queue.items.push({ state: "waiting", sent: 0, result: "", study: "", about: null, number: 1, ...item });
  queue.changed();
}

function run() {
  while (!queue.paused && queue.sending < AT_ONCE && queue.next < queue.items.length) {
    const item = queue.items[queue.next];
    queue.next += 1;
    if (item.state !== "waiting") continue;
    queue.sending += 1;
    send(item).finally(() => {
      queue.sending -= 1;
      queue.changed();
      run();
    });
  }
  queue.changed();
}

/** @param {Item} item */
async function send(item) {
  item.state = "sending";
  item.sent = 0;
  try {
    const blob = await item.open();
    const { body, type } = item.about ? payload(blob, item.kind, item.name.split("/").pop() || "", item.about, item.number) : { body: blob, type: "application/dicom" };
    settle(item, await post(body, type, item));
  } catch (error) {
    item.state = "failed";
    item.result = error instanceof NotUnpacked ? t("This entry of the archive cannot be unpacked here.") : t("The file could not be read, or the server does not answer.");
  }
}

/** @param {Blob} body @param {string} type @param {Item} item @returns {Promise<{status: number, text: string}>} */
function post(body, type, item) {
  return new Promise((resolve, reject) => {
    // fetch tells nothing of how far an upload has got.
    const request = new XMLHttpRequest();
    request.open("POST", `${SERVICE}/studies`);
    for (const [name, value] of Object.entries({ ...credentials(), Accept: DICOM_JSON, "Content-Type": type })) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => {
      item.sent = event.lengthComputable ? event.loaded / event.total : 0;
      queue.changed();
    };
    request.onload = () => resolve({ status: request.status, text: request.responseText });
    request.onerror = () => reject(new TypeError("network"));
    request.send(body);
  });
}

/** What the Store response says of the file, in words. @param {Item} item @param {{status: number, text: string}} answer */
function settle(item, { status, text: body }) {
  const response = parsed(body);
  const [stored] = all(response, "00081199");
  const [failed] = [...all(response, "00081198"), ...all(response, "0008119A")];
  item.state = stored ? "done" : "failed";
  item.sent = 1;
  if (stored) {
    const url = text(stored, "00081190");
    item.study = /\/studies\/([^/]+)/.exec(url)?.[1] || "";
    const comment = comments(stored);
    item.result = first(stored, "00081196") === undefined ? t("Stored") : `${t("Stored with a remark")}${comment ? `: ${comment}` : ""}`;
    return;
  }
  if (status === 401) document.dispatchEvent(new CustomEvent("hilum:token"));
  const code = Number(first(failed, "00081197"));
  const reason = failed ? reasonOf(code) : statusOf(status);
  const comment = failed ? comments(failed) : response?.error;
  item.result = [reason, comment].filter(Boolean).join(": ");
}

/** @param {any} item */
const comments = (item) => all(item, "00741048").map((one) => text(one, "00000902")).join(" ");

/** @param {number} code Failure Reason (PS3.18 Table I.2-2) */
function reasonOf(code) {
  /** @type {Record<number, string>} */
  const words = { 0x0110: "Processing failure", 0x0111: "Another object is stored under this UID", 0x0122: "SOP class not supported", 0xa700: "The server's storage is full", 0xc000: "The server cannot read it as DICOM" };
  return t(words[code] || "Refused");
}

/** @param {number} status */
function statusOf(status) {
  /** @type {Record<number, string>} */
  const words = { 401: "A bearer token is needed", 403: "Not allowed", 413: "Too large", 415: "Not a DICOM file", 503: "The server cannot take it now" };
  return t(words[status] || "Refused");
}

/** @param {string} body */
function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** @param {HTMLElement} summary @param {HTMLElement} rows */
function draw(summary, rows) {
  const { items } = queue;
  if (!items.length && !queue.leftOut) return;
  const count = (/** @type {string} */ state) => items.filter((item) => item.state === state).length;
  const [done, failed] = [count("done"), count("failed")];
  const progress = items.reduce((sum, item) => sum + (item.state === "done" || item.state === "failed" ? 1 : item.sent), 0);
  const studies = [...new Set(items.map((item) => item.study).filter(Boolean))];
  const finished = done + failed === items.length;
  fill(
    summary,
    h("p", { class: "count", role: "status" }, t("{done} of {all} stored, {failed} failed, {out} left out", { done, all: items.length, failed, out: queue.leftOut })),
    h("progress", { max: String(items.length || 1), value: String(progress), "aria-label": t("All files") }),
    h(
      "p",
      { class: "actions" },
      !finished && h("button", { type: "button", onclick: pause }, t(queue.paused ? "Go on" : "Pause")),
      failed > 0 && h("button", { type: "button", onclick: retry }, t("Try the failed ones again")),
      finished && h("button", { type: "button", onclick: clear }, t("Clear the list")),
      studies.slice(0, 10).map((study, index) => h("a", { class: "button", href: `#/study/${study}` }, t("Open study {n}", { n: index + 1 }))),
    ),
  );
  const order = { failed: 0, sending: 1, waiting: 2, done: 3 };
  const shown = [...items].sort((a, b) => order[a.state] - order[b.state]).slice(0, ROWS);
  fill(rows, shown.map(row), items.length > ROWS && h("li", {}, t("… and {n} more", { n: items.length - ROWS })));
}

/** @param {Item} item */
function row(item) {
  const words = { waiting: "Waiting", sending: "On its way", done: "Stored", failed: "Failed" };
  const progress = item.state === "sending" && h("progress", { max: "1", value: String(item.sent), "aria-label": item.name });
  const again = item.state === "failed" && item.kind && h("button", { type: "button", onclick: () => sendAgain([item]) }, t("Try again"));
  return h("li", { class: item.state }, h("bdi", {}, item.name), size(item.size), h("span", {}, progress || item.result || t(words[item.state])), again || h("span"));
}

function pause() {
  queue.paused = !queue.paused;
  run();
}

function retry() {
  sendAgain(queue.items.filter((item) => item.state === "failed" && item.kind));
}

/** @param {Item[]} items */
function sendAgain(items) {
  const wanted = new Set(items);
  for (const item of items) Object.assign(item, { state: "waiting", result: "", sent: 0 });
  // What waits again goes to the end of the queue.
  queue.items = [...queue.items.filter((item) => !wanted.has(item)), ...items];
  queue.next = queue.items.findIndex((item) => item.state === "waiting");
  if (queue.next < 0) queue.next = queue.items.length;
  run();
}

function clear() {
  const failed = queue.items.filter((item) => item.state === "failed").length;
  if (failed) say(t("{n} files were not stored.", { n: failed }));
  Object.assign(queue, { items: [], next: 0, leftOut: 0 });
  history.replaceState(null, "", location.hash);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

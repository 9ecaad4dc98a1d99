// The frame of the page: what is shown for which address, language, colours, bearer token.

import { ask, field, fill, h, say } from "./dom.js";
import { language, setLanguage, t } from "./language.js";
import { token } from "./service.js";

/** @typedef {{place: HTMLElement, path: string[], query: URLSearchParams, signal: AbortSignal, change: (query: URLSearchParams) => void}} Context */

/** @type {Record<string, {title: string, load: () => Promise<{show: (context: Context) => any}>}>} */
const VIEWS = {
  "": { title: "Studies", load: () => import("./list.js") },
  study: { title: "Study", load: () => import("./study.js") },
  upload: { title: "Upload", load: () => import("./upload.js") },
  worklist: { title: "Worklist", load: () => import("./worklist.js") },
  server: { title: "Server", load: () => import("./server.js") },
};
const SHOWN = ["", "upload", "worklist", "server"];

let running = new AbortController();
const main = h("main", { id: "main", tabindex: "-1" });

/** The address in parts. */
function address() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  return { path: path.split("/").map(decode), query: new URLSearchParams(query || "") };
}

/** @param {string} part */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

async function show() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const { path, query } = address();
  const view = VIEWS[path[0]] || VIEWS[""];
  document.title = `${t(view.title)} · Hilum`;
  for (const link of document.querySelectorAll("nav a")) {
    const isHere = link.getAttribute("href") === `#/${path[0] === "study" ? "" : path[0]}`;
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  try {
    const { show: fillIn } = await view.load();
    if (signal.aborted) return;
    fill(main);
    await fillIn({ place: main, path: path.slice(1), query, signal, change: replace });
  } catch (error) {
    if (!signal.aborted) fail(error);
  }
}

/** Keep the state of what is shown in the address, so that a reload or the way back leads here. @param {URLSearchParams} query */
function replace(query) {
  const path = location.hash.split("?")[0] || "#/";
  const text = query.toString();
  history.replaceState(null, "", text ? `${path}?${text}` : path);
}

/** @param {any} error */
function fail(error) {
  if (error.name === "AbortError") return;
  if (error.status === 401) return;
  say(error instanceof TypeError ? t("The server does not answer.") : error.message, "error");
}

function colours() {
  const chosen = localStorage.getItem("hilum.colours");
  if (chosen) document.documentElement.dataset.theme = chosen;
}

function otherColours() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  localStorage.setItem("hilum.colours", dark ? "light" : "dark");
  colours();
}

let asking = false;
async function askForToken() {
  if (asking) return;
  asking = true;
  const input = h("input", { type: "password", autocomplete: "off", value: token.get() });
  const text = h("p", {}, t("This server answers only with a bearer token. It is kept until this window is closed."));
  const given = await ask(t("Bearer token"), [text, field(t("Token"), input)], t("Use it"), t("Cancel"));
  asking = false;
  if (!given) return;
  token.set(input.value.trim());
  show();
}

function frame() {
  document.documentElement.lang = language();
  const other = language() === "de" ? "en" : "de";
  const header = h(
    "header",
    {},
    h("a", { class: "skip", href: "#main", onclick: skip }, t("To the content")),
    h("a", { class: "brand", href: "#/" }, "Hilum"),
    h(
      "nav",
      { "aria-label": t("Parts of the page") },
      SHOWN.map((name) => h("a", { href: `#/${name}` }, t(VIEWS[name].title))),
    ),
    h(
      "div",
      { class: "tools" },
      h("button", { type: "button", onclick: askForToken }, t("Token")),
      h("button", { type: "button", onclick: otherColours, title: t("Dark or light") }, h("span", { "aria-hidden": "true" }, "◐"), h("span", { class: "hidden" }, t("Dark or light"))),
      h("button", { type: "button", lang: other, onclick: () => inLanguage(other) }, other === "de" ? "Deutsch" : "English"),
    ),
  );
  fill(document.body, header, main, h("div", { id: "notices", role: "status", "aria-live": "polite" }));
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  main.focus();
}

/** @param {string} name */
function inLanguage(name) {
  setLanguage(name);
  frame();
  show();
}

document.addEventListener("hilum:token", askForToken);
addEventListener("hashchange", show);
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  fail(event.reason);
});
// A file that misses its place must not replace the page.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
colours();
frame();
show();

// All attributes of an instance as a tree, with private ones and sequences, and a search through them.

import { field, fill, h, quietly } from "./dom.js";
import { t } from "./language.js";
import { personName } from "./model.js";
import { pathOfUri, request, makeDownload } from "./service.js";

const MOST_MATCHES = 500;
const LONGEST = 400;
const AT_ONCE = 200;

/** @type {Promise<Record<string, string>>|undefined} */
let names;

/** @param {HTMLElement} place @param {string} path @param {AbortSignal} signal */
export async function showAttributes(place, path, signal) {
  fill(place, h("p", {}, t("Reading …")));
  names ||= fetch(new URL("attributes.json", import.meta.url)).then((response) => response.json());
  const [response, known] = await Promise.all([request(`${path}/metadata`, { signal }), names]);
  const [metadata] = await response.json();
  if (signal.aborted) return;
  const tree = h("div", { class: "tree" });
  const input = h("input", { type: "search", autocomplete: "off", oninput: quietly(150, () => present(tree, metadata, known, input.value)) });
  fill(place, h("section", { class: "attributes", "aria-label": t("Attributes") }, h("h2", {}, t("Attributes")), field(t("Search in names, tags and values"), input), tree));
  present(tree, metadata, known, "");
}

/** @param {HTMLElement} tree @param {any} metadata @param {Record<string, string>} known @param {string} typed */
function present(tree, metadata, known, typed) {
  const wanted = typed.trim().toLocaleLowerCase();
  if (!wanted) {
    fill(tree, level(metadata, known));
    return;
  }
  const found = [];
  for (const match of matches(metadata, known, wanted, "")) {
    if (found.length === MOST_MATCHES) break;
    found.push(match);
  }
  fill(tree, h("p", { role: "status" }, t("{n} attributes", { n: found.length === MOST_MATCHES ? `${MOST_MATCHES}+` : found.length })), found);
}

/** @param {any} set @param {Record<string, string>} known @param {string} wanted @param {string} above @returns {Generator<HTMLElement>} */
function* matches(set, known, wanted, above) {
  for (const tag of Object.keys(set).sort()) {
    const name = nameOf(tag, set, known);
    const value = valueOf(set[tag]);
    // Keywords are the names without blanks, so both are found.
    if (`${name} ${name.replaceAll(" ", "")} ${tag} ${shownTag(tag)} ${value}`.toLocaleLowerCase().includes(wanted)) yield line(tag, set, known, above);
    if (set[tag].vr !== "SQ") continue;
    for (const [index, item] of (set[tag].Value || []).entries()) {
      if (item) yield* matches(item, known, wanted, `${above}${name} ${index + 1} › `);
    }
  }
}

/** @param {any} set @param {Record<string, string>} known @returns {any[]} */
function level(set, known) {
  return Object.keys(set).sort().map((tag) => (set[tag].vr === "SQ" && set[tag].Value?.length ? sequence(tag, set, known) : line(tag, set, known, "")));
}

/** A sequence; its items are made when it is opened. @param {string} tag @param {any} set @param {Record<string, string>} known */
function sequence(tag, set, known) {
  const items = set[tag].Value;
  const details = h("details", {}, h("summary", {}, h("span", { class: "tag" }, shownTag(tag)), ` SQ ${nameOf(tag, set, known)} (${items.length})`));
  let next = 0;
  const more = () => {
    const button = details.querySelector(":scope > button");
    button?.remove();
    for (const item of items.slice(next, next + AT_ONCE)) {
      next += 1;
      details.append(h("details", { open: items.length === 1 }, h("summary", {}, t("Item {n}", { n: next })), level(item || {}, known)));
    }
    if (next < items.length) details.append(h("button", { type: "button", onclick: more }, t("More")));
  };
  details.addEventListener("toggle", () => next === 0 && more());
  return details;
}

/** @param {string} tag @param {any} set @param {Record<string, string>} known @param {string} above */
function line(tag, set, known, above) {
  const element = set[tag];
  const value = h("span", {}, h("bdi", {}, valueOf(element)));
  if (element.BulkDataURI) {
    const link = h("a", {}, t("Bulk data"));
    makeDownload(link, pathOfUri(element.BulkDataURI), "application/octet-stream", `${tag}.bin`);
    fill(value, link);
  }
  return h("div", { class: "attribute" }, h("span", { class: "tag" }, shownTag(tag)), h("span", {}, element.vr), h("span", {}, above + nameOf(tag, set, known)), value);
}

/** @param {string} tag */
const shownTag = (tag) => `(${tag.slice(0, 4)},${tag.slice(4)})`;

/** @param {string} tag @param {any} set @param {Record<string, string>} known */
function nameOf(tag, set, known) {
  if (known[tag]) return known[tag];
  const group = tag.slice(0, 4);
  if (Number.parseInt(group[3], 16) % 2 === 0) return t("(unknown)");
  if (/^00[1-9A-F]/.test(tag.slice(4, 7))) return t("Private creator");
  const creator = set[`${group}00${tag.slice(4, 6)}`]?.Value?.[0];
  return creator ? `${t("Private")}: ${creator}` : t("Private");
}

/** @param {any} element @returns {string} */
function valueOf(element) {
  if (element.InlineBinary) return element.InlineBinary.length > 60 ? `${element.InlineBinary.slice(0, 60)}…` : element.InlineBinary;
  if (element.vr === "SQ") return element.Value?.length ? `(${element.Value.length})` : "";
  const text = (element.Value || []).map((/** @type {any} */ value) => (value && typeof value === "object" ? personName(value) : (value ?? ""))).join(" \\ ");
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

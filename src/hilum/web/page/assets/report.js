// A structured report as text (PS3.3 C.17.3), from its metadata.

import { fill, h } from "./dom.js";
import { t } from "./language.js";
import { all, date, dateTime, first, personName, text, time } from "./model.js";

const DEEPEST = 64;

/** @param {HTMLElement} stage @param {any} metadata */
export function showReport(stage, metadata) {
  const flags = [text(metadata, "0040A491"), text(metadata, "0040A493")].filter(Boolean).join(", ");
  const title = meaning(first(metadata, "0040A043")) || t("Report");
  fill(stage, h("article", { class: "report" }, h("h2", {}, h("bdi", {}, title)), flags && h("p", {}, flags), items(metadata, 0)));
}

/** @param {any} code */
const meaning = (code) => (code ? text(code, "00080104") || text(code, "00080100") : "");

/** @param {any} parent @param {number} depth @returns {any[]} */
function items(parent, depth) {
  if (depth > DEEPEST) return [];
  return all(parent, "0040A730").filter(Boolean).map((item) => (text(item, "0040A040") === "CONTAINER" ? container(item, depth) : leaf(item, depth)));
}

/** @param {any} item @param {number} depth */
function container(item, depth) {
  const name = meaning(first(item, "0040A043"));
  return h("section", {}, name && h("h3", {}, h("bdi", {}, name)), items(item, depth + 1));
}

/** @param {any} item @param {number} depth */
function leaf(item, depth) {
  const name = meaning(first(item, "0040A043")) || text(item, "0040A040");
  const below = items(item, depth + 1);
  return [h("dl", {}, h("dt", {}, h("bdi", {}, name)), h("dd", {}, h("bdi", {}, valueOf(item)))), below.length > 0 && h("section", {}, below)];
}

/** @type {Record<string, (item: any) => string>} */
const VALUES = {
  TEXT: (item) => text(item, "0040A160"),
  CODE: (item) => meaning(first(item, "0040A168")),
  NUM: (item) => all(item, "0040A300").map((one) => `${all(one, "0040A30A").join(", ")} ${unit(one)}`).join("; "),
  PNAME: (item) => personName(first(item, "0040A123")),
  DATE: (item) => date(text(item, "0040A121")),
  TIME: (item) => time(text(item, "0040A122")),
  DATETIME: (item) => dateTime(text(item, "0040A120")),
  UIDREF: (item) => text(item, "0040A124"),
  SCOORD: (item) => `${text(item, "00700023")} ${all(item, "00700022").slice(0, 64).join(" ")}`,
  TCOORD: (item) => text(item, "0040A130"),
};

/** @param {any} measured */
function unit(measured) {
  const code = first(measured, "004008EA");
  const name = text(code, "00080100");
  return name === "1" || /^\{/.test(name) ? meaning(code) : name;
}

/** @param {any} item @returns {string} */
function valueOf(item) {
  const read = VALUES[text(item, "0040A040")];
  if (read) return read(item);
  const references = all(item, "00081199").map((one) => text(one, "00081155"));
  return references.join(", ");
}

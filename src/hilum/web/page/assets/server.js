// What the server says of itself.

import { fill, h } from "./dom.js";
import { language, t } from "./language.js";
import { size } from "./model.js";
import { HOME, request, serverPage } from "./service.js";

const EVERY_MS = 10000;

/** @param {import("./app.js").Context} context */
export async function show({ place, signal }) {
  const page = await serverPage(signal);
  const figures = h("dl", { class: "figures" });
  const traffic = h("dl", { class: "figures" });
  const links = [
    ["documentation", "Description of the services"],
    ["description", "OpenAPI document"],
    ["metrics", "Metrics"],
    ["ready", "Readiness"],
  ];
  fill(
    place,
    h("h1", {}, t("Server")),
    figures,
    h("h2", {}, t("Requests since the start")),
    traffic,
    h("h2", {}, t("Services")),
    h("p", {}, t("Base URL of the services:"), " ", h("code", {}, page.links.service)),
    h("ul", {}, links.map(([name, label]) => h("li", {}, h("a", { href: new URL(page.links[name], HOME).href }, t(label))))),
    h("h2", {}, t("Versions")),
    table(Object.entries(page.versions), [t("Part"), t("Version")]),
    h("h2", {}, t("Settings in force")),
    table(flat(page.settings, ""), [t("Setting"), t("Value")]),
  );
  present(figures, page.totals);
  await presentTraffic(traffic, signal);
  const timer = setInterval(() => again(figures, traffic, signal).catch(() => undefined), EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}

/** @param {HTMLElement} figures @param {HTMLElement} traffic @param {AbortSignal} signal */
async function again(figures, traffic, signal) {
  if (document.hidden) return;
  present(figures, (await serverPage(signal)).totals);
  await presentTraffic(traffic, signal);
}

/** @param {HTMLElement} place @param {Record<string, number>} totals */
function present(place, totals) {
  const names = { studies: "Studies", series: "Series", instances: "Instances" };
  const shown = Object.entries(names).map(([name, label]) => figure(t(label), totals[name].toLocaleString(language())));
  fill(place, shown, figure(t("Stored"), size(totals.bytes)));
}

/** @param {HTMLElement} place @param {AbortSignal} signal */
async function presentTraffic(place, signal) {
  const response = await request(new URL("metrics", HOME).href, { accept: "text/plain", signal });
  const sums = { requests: 0, refused: 0, failed: 0 };
  for (const found of (await response.text()).matchAll(/^hilum_http_requests_total\{([^}]*)\} ([0-9.e+]+)$/gm)) {
    const status = /status="(\d)/.exec(found[1])?.[1];
    const count = Number(found[2]);
    sums.requests += count;
    if (status === "4") sums.refused += count;
    if (status === "5") sums.failed += count;
  }
  const names = { requests: "Answered", refused: "Refused (4xx)", failed: "Failed (5xx)" };
  fill(place, Object.entries(names).map(([name, label]) => figure(t(label), /** @type {any} */ (sums)[name].toLocaleString(language()))));
}

/** @param {string} label @param {string} value */
const figure = (label, value) => h("div", { class: "figure" }, h("dt", {}, label), h("dd", {}, value));

/** @param {any[]} rows @param {string[]} heads */
function table(rows, heads) {
  return h("table", {}, h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows.map(([name, value]) => h("tr", {}, h("td", {}, h("code", {}, name)), h("td", {}, shown(value))))));
}

/** @param {any} value */
const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/** @param {any} group @param {string} above @returns {any[]} */
function flat(group, above) {
  return Object.entries(group).flatMap(([name, value]) => (value && typeof value === "object" && !Array.isArray(value) ? flat(value, `${above}${name}.`) : [[above + name, value]]));
}

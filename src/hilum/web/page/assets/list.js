// The list of studies: Search for Studies (PS3.18 10.6), a page at a time.

import { field, fill, h, quietly } from "./dom.js";
import { t } from "./language.js";
import { date, dicomDate, number, all, pathOf, text, time } from "./model.js";
import { search, thumbnail } from "./service.js";

const PAGE = 25;
/** Most studies that are sorted here, where the order is not the server's. */
const SORTED = 1000;
const MODALITIES = ["CT", "MR", "US", "CR", "DX", "MG", "XA", "RF", "NM", "PT", "SR", "SEG", "SM", "ES", "XC", "ECG", "DOC", "OT"];
const DAYS = { today: [0, 0], yesterday: [1, 1], week: [6, 0], month: [30, 0], year: [365, 0] };
const NAMES = { "": "Any date", today: "Today", yesterday: "Yesterday", week: "Last 7 days", month: "Last 31 days", year: "Last 12 months", range: "From … to" };
/** Field of the form: matching key, and whether the text may stand anywhere in the value. */
const KEYS = {
  name: ["PatientName", "start"],
  id: ["PatientID", "start"],
  accession: ["AccessionNumber", "start"],
  description: ["StudyDescription", "anywhere"],
};
const COLUMNS = [
  ["", ""],
  ["Patient", "name"],
  ["Patient ID", "id"],
  ["Date", "date"],
  ["Modality", "modality"],
  ["Description", "description"],
  ["Accession number", "accession"],
  ["Images", "images"],
];
/** @type {Record<string, (study: any) => string|number>} */
const VALUES = {
  name: (study) => text(study, "00100010").toLocaleLowerCase(),
  id: (study) => text(study, "00100020"),
  date: (study) => text(study, "00080020") + text(study, "00080030"),
  modality: (study) => all(study, "00080061").join(),
  description: (study) => text(study, "00081030").toLocaleLowerCase(),
  accession: (study) => text(study, "00080050"),
  images: (study) => number(study, "00201208", 0),
};

/** The state of the list lies in the address. @param {import("./app.js").Context} context */
export async function show(context) {
  const list = new List(context);
  list.build();
  await list.load();
}

class List {
  /** @param {import("./app.js").Context} context */
  constructor(context) {
    this.context = context;
    this.state = context.query;
    this.asked = new AbortController();
    this.results = h("div", { class: "results", "aria-busy": "true" });
    this.count = h("p", { class: "count", role: "status" });
    this.warning = h("p", { class: "warning" });
    this.pager = h("nav", { class: "pager", "aria-label": t("Pages") });
    this.later = quietly(250, () => this.load().catch(report));
  }

  build() {
    sessionStorage.setItem("hilum.list", location.hash || "#/");
    fill(this.context.place, h("h1", { class: "hidden" }, t("Studies")), this.form(), this.count, this.warning, this.results, this.pager);
    document.addEventListener("keydown", (event) => this.key(event), { signal: this.context.signal });
  }

  form() {
    const text = (/** @type {string} */ name, /** @type {string} */ label) =>
      field(t(label), h("input", { type: "search", name, value: this.state.get(name) || "", maxlength: "64", autocomplete: "off", oninput: (/** @type {any} */ event) => this.set(name, event.target.value) }));
    const presets = h(
      "select",
      { name: "when", onchange: (/** @type {any} */ event) => this.preset(event.target.value) },
      Object.entries(NAMES).map(([value, name]) => h("option", { value, selected: value === (this.state.get("when") || "") }, t(name))),
    );
    const day = (/** @type {string} */ name, /** @type {string} */ label) =>
      field(t(label), h("input", { type: "date", name, value: this.state.get(name) || "", onchange: (/** @type {any} */ event) => this.set(name, event.target.value) }));
    this.range = h("div", { class: "range", hidden: this.state.get("when") !== "range" }, day("from", "From"), day("to", "To"));
    const fuzzy = h("input", { type: "checkbox", name: "fuzzy", checked: this.state.get("fuzzy") === "1", onchange: (/** @type {any} */ event) => this.set("fuzzy", event.target.checked ? "1" : "") });
    return h(
      "form",
      { class: "search", role: "search", onsubmit: (/** @type {Event} */ event) => event.preventDefault() },
      h("div", { class: "fields" }, text("name", "Patient name"), text("id", "Patient ID"), text("accession", "Accession number"), text("description", "Description"), field(t("Date"), presets), this.range),
      h("div", { class: "chips", role: "group", "aria-label": t("Modality") }, MODALITIES.map((name) => this.chip(name))),
      h("p", { class: "hint" }, h("label", { class: "check" }, fuzzy, t("Names that sound or look alike")), h("span", {}, t("* stands for any text, ? for one character. Keys: / search, ↑ ↓ move, Enter open, ← → page."))),
    );
  }

  /** @param {string} name */
  chip(name) {
    const chip = h("button", { type: "button", class: "chip", "aria-pressed": String(this.modalities.includes(name)), data: { modality: name } }, name);
    chip.addEventListener("click", () => {
      const chosen = this.modalities;
      const isChosen = chosen.includes(name);
      this.set("modality", (isChosen ? chosen.filter((one) => one !== name) : [...chosen, name]).join());
      chip.setAttribute("aria-pressed", String(!isChosen));
    });
    return chip;
  }

  /** @param {string} value */
  preset(value) {
    this.range.hidden = value !== "range";
    this.set("when", value);
  }

  /** Change the state, from the first page on. @param {string} name @param {string} value */
  set(name, value) {
    if (value) this.state.set(name, value);
    else this.state.delete(name);
    if (name !== "offset") this.state.delete("offset");
    this.context.change(this.state);
    sessionStorage.setItem("hilum.list", location.hash);
    this.later();
  }

  /** @returns {string[]} */
  get modalities() {
    const chosen = (this.state.get("modality") || "").split(",");
    return MODALITIES.filter((name) => chosen.includes(name));
  }

  get offset() {
    return Math.max(0, Number.parseInt(this.state.get("offset") || "0", 10) || 0);
  }

  get sort() {
    const [name, direction] = (this.state.get("sort") || "date.down").split(".");
    return { name: Object.hasOwn(VALUES, name) ? name : "date", down: direction === "down" };
  }

  get isServersOrder() {
    return this.sort.name === "date" && this.sort.down;
  }

  query() {
    const query = new URLSearchParams({ includefield: "StudyDescription" });
    const fuzzy = this.state.get("fuzzy") === "1";
    for (const [name, [key, place]] of Object.entries(KEYS)) {
      const typed = (this.state.get(name) || "").trim();
      if (!typed) continue;
      const isPattern = /[*?]/.test(typed) || (fuzzy && name === "name");
      query.set(key, isPattern ? typed : `${place === "anywhere" ? "*" : ""}${typed}*`);
    }
    if (fuzzy && query.has("PatientName")) query.set("fuzzymatching", "true");
    const dates = this.dates();
    if (dates) query.set("StudyDate", dates);
    query.set("limit", String(this.isServersOrder ? PAGE : SORTED));
    query.set("offset", String(this.isServersOrder ? this.offset : 0));
    const { modalities } = this;
    // Commas between values stay as they are; one inside a value is encoded, as all of `query` is.
    const several = modalities.length > 1 ? "&multiplevaluematching=true" : "";
    return modalities.length ? `${query}&ModalitiesInStudy=${modalities.join()}${several}` : String(query);
  }

  dates() {
    const when = this.state.get("when") || "";
    if (when === "range") {
      const [from, to] = ["from", "to"].map((name) => (this.state.get(name) || "").replaceAll("-", ""));
      return from || to ? `${from}-${to}` : "";
    }
    const days = /** @type {Record<string, number[]>} */ (DAYS)[when];
    if (!days) return "";
    const [from, to] = days.map((back) => dicomDate(new Date(Date.now() - back * 86400000)));
    return from === to ? from : `${from}-${to}`;
  }

  async load() {
    this.asked.abort();
    this.asked = new AbortController();
    const signal = AbortSignal.any([this.asked.signal, this.context.signal]);
    this.results.setAttribute("aria-busy", "true");
    const page = await search("/studies", this.query(), signal);
    if (signal.aborted) return;
    let { items } = page;
    let total = items.length + page.remaining + (this.isServersOrder ? this.offset : 0);
    const warnings = [...page.warnings];
    if (!this.isServersOrder) {
      if (page.remaining) warnings.push(t("Only the newest {n} studies are sorted.", { n: items.length }));
      total = items.length;
      items = this.sorted(items).slice(this.offset, this.offset + PAGE);
    }
    if (!items.length && this.offset) {
      this.set("offset", "");
      return;
    }
    this.warning.textContent = warnings.join(" ");
    this.present(items, total);
  }

  /** @param {any[]} items */
  sorted(items) {
    const { name, down } = this.sort;
    const value = VALUES[name];
    const compare = new Intl.Collator(undefined, { numeric: true }).compare;
    const order = (/** @type {any} */ a, /** @type {any} */ b) => compare(String(value(a)), String(value(b)));
    return [...items].sort((a, b) => (down ? order(b, a) : order(a, b)));
  }

  /** @param {any[]} items @param {number} total */
  present(items, total) {
    this.results.setAttribute("aria-busy", "false");
    this.count.textContent = total
      ? t("{from}–{to} of {total} studies", { from: this.offset + 1, to: this.offset + items.length, total })
      : t("No studies match.");
    fill(this.results, items.length > 0 && this.table(items), !items.length && h("p", {}, h("a", { href: "#/upload" }, t("Add studies by dropping files on the upload page."))));
    const step = (/** @type {string} */ label, /** @type {number} */ offset, /** @type {boolean} */ possible, /** @type {string} */ name) =>
      h("button", { type: "button", disabled: !possible, data: { step: name }, onclick: () => this.set("offset", offset > 0 ? String(offset) : "") }, t(label));
    fill(this.pager, step("Newer", this.offset - PAGE, this.offset > 0, "back"), step("Further", this.offset + PAGE, this.offset + items.length < total, "on"));
    if (this.isServersOrder) return;
    const [back, on] = this.pager.children;
    back.textContent = t("Back");
    on.textContent = t("Further");
  }

  /** @param {any[]} items */
  table(items) {
    return h(
      "table",
      { class: "studies" },
      h("thead", {}, h("tr", {}, COLUMNS.map(([label, name]) => this.heading(label, name)))),
      h("tbody", {}, items.map((study) => row(study))),
    );
  }

  /** @param {string} label @param {string} name */
  heading(label, name) {
    if (!name) return h("td", {});
    const here = this.sort.name === name;
    const direction = here ? (this.sort.down ? "descending" : "ascending") : "none";
    const next = here ? !this.sort.down : name === "date" || name === "images";
    const button = h("button", { type: "button", onclick: () => this.set("sort", `${name}.${next ? "down" : "up"}`) }, t(label), here && h("span", { "aria-hidden": "true" }, this.sort.down ? " ↓" : " ↑"));
    return h("th", { scope: "col", "aria-sort": direction }, button);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "/" && !typing) {
      event.preventDefault();
      /** @type {HTMLElement|null} */ (this.context.place.querySelector("input[name=name]"))?.focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (typing && !(target.matches("input[type=search]") && event.key === "ArrowDown")) return;
      event.preventDefault();
      this.move(event.key === "ArrowDown" ? 1 : -1);
    } else if ((event.key === "ArrowRight" || event.key === "ArrowLeft") && !typing) {
      /** @type {HTMLElement|null} */ (this.pager.querySelector(`[data-step=${event.key === "ArrowRight" ? "on" : "back"}]`))?.click();
    }
  }

  /** @param {number} step */
  move(step) {
    const links = /** @type {HTMLElement[]} */ ([...this.results.querySelectorAll("tbody a")]);
    const here = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    links[Math.min(links.length - 1, Math.max(0, here + step))]?.focus();
  }
}

/** @param {any} study */
function row(study) {
  const uid = text(study, "0020000D");
  const name = text(study, "00100010") || t("(no name)");
  const cell = (/** @type {string} */ label, /** @type {any} */ ...content) => h("td", { data: { label: t(label) } }, ...content);
  const link = h("a", { href: `#/study/${encodeURIComponent(uid)}` }, h("bdi", {}, name));
  return h(
    "tr",
    { onclick: (/** @type {MouseEvent} */ event) => event.target instanceof HTMLAnchorElement || getSelection()?.toString() || link.click() },
    h("td", { class: "picture" }, thumbnail(pathOf(uid), "")),
    h("td", { class: "who", data: { label: t("Patient") } }, link),
    cell("Patient ID", h("bdi", {}, text(study, "00100020"))),
    cell("Date", `${date(text(study, "00080020"))} ${time(text(study, "00080030"))}`),
    cell("Modality", all(study, "00080061").join(" ")),
    cell("Description", h("bdi", {}, text(study, "00081030"))),
    cell("Accession number", h("bdi", {}, text(study, "00080050"))),
    cell("Images", String(number(study, "00201208", 0))),
  );
}

/** @param {any} error */
function report(error) {
  if (error.name !== "AbortError") throw error;
}

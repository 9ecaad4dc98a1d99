// One study: its series, what a series shows, its attributes, downloads, deletion.

import { showAttributes } from "./attributes.js";
import { showContent } from "./content.js";
import { ask, fill, h, say } from "./dom.js";
import { t } from "./language.js";
import { all, date, first, number, pathOf, text, time } from "./model.js";
import { makeDownload, request, searchAll, search, serverPage, thumbnail } from "./service.js";

const ZIP = "application/zip";
const OBJECT = 'application/dicom; transfer-syntax="*"';

/** @param {import("./app.js").Context} context */
export async function show(context) {
  const view = new Study(context);
  await view.load();
}

class Study {
  /** @param {import("./app.js").Context} context */
  constructor(context) {
    this.context = context;
    this.uid = context.path[0] || "";
    this.path = pathOf(this.uid);
    this.stage = h("div", { class: "content" });
    this.strip = h("div", { class: "strip", role: "group", "aria-label": t("Series") });
    this.head = h("div", { class: "head" });
    /** Ends what the series or instance that was shown before still asks for. */
    this.showing = new AbortController();
  }

  async load() {
    const { signal } = this.context;
    const keys = new URLSearchParams({ StudyInstanceUID: this.uid, includefield: "StudyDescription" });
    const [found, series] = await Promise.all([
      search("/studies", keys, signal),
      searchAll(`${this.path}/series`, { includefield: "SeriesDescription" }, signal),
    ]);
    if (signal.aborted) return;
    fill(this.context.place, this.head, h("div", { class: "study" }, this.strip, this.stage));
    if (!found.items.length) {
      fill(this.head, h("h1", {}, t("There is no such study.")), h("a", { href: "#/" }, t("Studies")));
      return;
    }
    this.study = found.items[0];
    this.heading();
    fill(this.strip, series.map((one) => this.card(one)));
    const wanted = this.context.query.get("series");
    const start = series.find((one) => text(one, "0020000E") === wanted) || series[0];
    if (start) await this.choose(start);
    this.offerDeletion().catch(() => undefined);
  }

  heading() {
    const name = text(this.study, "00100010") || t("(no name)");
    const facts = [text(this.study, "00100020"), date(text(this.study, "00100030")), text(this.study, "00100040")];
    const when = `${date(text(this.study, "00080020"))} ${time(text(this.study, "00080030"))}`;
    const what = [when, all(this.study, "00080061").join(" "), text(this.study, "00081030"), text(this.study, "00080050")];
    const zip = h("a", { class: "button" }, t("Download the study (zip)"));
    makeDownload(zip, this.path, ZIP, `${this.uid}.zip`);
    this.actions = h("p", { class: "actions" }, h("a", { class: "button", href: "#/", onclick: back }, `← ${t("Studies")}`), zip);
    const line = (/** @type {string[]} */ parts) => parts.filter((part) => part.trim()).map((part, index) => [index > 0 && " · ", h("bdi", {}, part)]);
    fill(this.head, h("h1", {}, h("bdi", {}, name)), h("p", {}, line([...facts, ...what])), this.actions);
    document.title = `${name} · Hilum`;
  }

  /** @param {any} series */
  card(series) {
    const uid = text(series, "0020000E");
    const label = text(series, "0008103E") || text(series, "00080060") || t("Series");
    const count = number(series, "00201209", 0);
    return h(
      "button",
      { type: "button", data: { series: uid }, onclick: () => this.choose(series) },
      thumbnail(pathOf(this.uid, uid), ""),
      h("span", {}, h("bdi", {}, `${text(series, "00200011")} ${label}`.trim()), h("br"), `${text(series, "00080060")} · ${count}`),
    );
  }

  /** @param {any} series */
  async choose(series) {
    this.showing.abort();
    this.showing = new AbortController();
    const signal = AbortSignal.any([this.showing.signal, this.context.signal]);
    const uid = text(series, "0020000E");
    for (const card of this.strip.children) card.setAttribute("aria-pressed", String(card.dataset.series === uid));
    this.context.query.set("series", uid);
    this.context.change(this.context.query);
    const instances = await searchAll(`${pathOf(this.uid, uid)}/instances`, {}, signal);
    if (signal.aborted) return;
    const place = h("div", {});
    const actions = h("p", { class: "actions" });
    const attributes = h("div", {});
    fill(this.stage, place, actions, attributes);
    showContent({
      place,
      instances: instances.map((one) => ({
        path: pathOf(this.uid, uid, text(one, "00080018")),
        uid: text(one, "00080018"),
        sopClass: text(one, "00080016"),
        frames: number(one, "00280008", 1),
        hasPixels: first(one, "00280010") !== undefined,
      })),
      signal,
      changed: (instance) => this.about(instance, uid, actions, attributes),
    });
  }

  /** What can be done with the instance that is shown. @param {any} instance @param {string} series @param {any} actions @param {any} attributes */
  about(instance, series, actions, attributes) {
    const object = h("a", { class: "button" }, t("Download this file"));
    makeDownload(object, instance.path, OBJECT, `${instance.uid}.dcm`);
    const zip = h("a", { class: "button" }, t("Download the series (zip)"));
    makeDownload(zip, pathOf(this.uid, series), ZIP, `${series}.zip`);
    const listed = h("button", { type: "button", "aria-expanded": "false" }, t("Attributes"));
    listed.addEventListener("click", () => {
      const open = listed.getAttribute("aria-expanded") === "true";
      listed.setAttribute("aria-expanded", String(!open));
      if (open) fill(attributes);
      else showAttributes(attributes, instance.path, this.context.signal);
    });
    const wasOpen = attributes.childElementCount > 0;
    fill(actions, object, zip, listed, this.deletes && this.deleter(t("Delete this instance"), instance.path), this.deletes && this.deleter(t("Delete the series"), pathOf(this.uid, series)));
    this.shown = { instance, series, actions, attributes };
    if (wasOpen) listed.click();
  }

  /** Deletion is there where the server has it on. */
  async offerDeletion() {
    const { settings } = await serverPage(this.context.signal);
    if (!settings.trash.http_delete) return;
    this.days = settings.trash.keep_days;
    this.deletes = true;
    this.actions?.append(this.deleter(t("Delete the study"), this.path));
    if (this.shown) this.about(this.shown.instance, this.shown.series, this.shown.actions, this.shown.attributes);
  }

  /** @param {string} label @param {string} path */
  deleter(label, path) {
    return h("button", { type: "button", class: "danger", onclick: () => this.delete(label, path) }, label);
  }

  /** @param {string} label @param {string} path */
  async delete(label, path) {
    const uid = decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
    const content = [
      h("p", {}, h("bdi", {}, text(this.study, "00100010")), " ", h("code", {}, uid)),
      h("p", {}, t("It goes to the trash, from which it can be restored for {days} days.", { days: this.days })),
    ];
    if (!(await ask(`${label}?`, content, t("Delete"), t("Cancel")))) return;
    await request(path, { method: "DELETE", accept: "application/json" });
    say(`${t("Moved to the trash. To undo it, the administrator runs:")} hilum restore ${uid}`);
    const left = await searchAll(`${this.path}/series`, {}, this.context.signal);
    if (!left.length) location.hash = "#/";
    else await this.load();
  }
}

/** Back to the list as it was left. @param {Event} event */
function back(event) {
  event.preventDefault();
  location.hash = sessionStorage.getItem("hilum.list") || "#/";
}

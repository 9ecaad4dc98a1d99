// The worklist as a live board: workitems by state, kept current by event reports (PS3.18 chapter 11).

import { Channel } from "./channel.js";
import { ask, field, fill, h, quietly, say } from "./dom.js";
import { t } from "./language.js";
import { attribute, dicomDate, dicomDateTime, dateTime, first, newUid, number, text } from "./model.js";
import { request, search } from "./service.js";

const STATES = { SCHEDULED: "Scheduled", "IN PROGRESS": "In progress", COMPLETED: "Completed", CANCELED: "Canceled" };
/** Workitems that have ended are shown for some days. */
const ENDED_DAYS = 7;
const MOST = 200;
const CLAIMS = "hilum.claims";
const ME = "hilum.me";
const SCHEME = "99HILUM";
const SHORT = 16;

/** @param {import("./app.js").Context} context */
export async function show(context) {
  const board = new Board(context);
  await board.start();
}

class Board {
  /** @param {import("./app.js").Context} context */
  constructor({ place, signal }) {
    this.place = place;
    this.signal = signal;
    this.me = remembered(ME, { name: "", ae: `WEB-${newUid().slice(-8)}` });
    localStorage.setItem(ME, JSON.stringify(this.me));
    this.columns = h("div", { class: "board" });
    this.live = h("p", { class: "hint", role: "status" });
    this.later = quietly(200, () => this.load().catch(report));
  }

  async start() {
    const create = h("button", { type: "button", class: "primary", onclick: () => this.create() }, t("New workitem"));
    const name = h("input", { maxlength: "64", autocomplete: "name", value: this.me.name, onchange: () => this.remember({ name: name.value.trim() }) });
    fill(this.place, h("h1", {}, t("Worklist")), h("div", { class: "controls" }, create, field(t("My name, for what I claim"), name)), this.live, this.columns);
    await this.load();
    const channel = new Channel({ ae: this.me.ae, signal: this.signal, changed: this.later, state: (connected) => this.say(connected) });
    await channel.open();
  }

  /** @param {boolean} connected */
  say(connected) {
    this.live.textContent = connected ? t("Live: changes appear as they happen.") : t("Not connected to the event reports; the board is read again from time to time.");
    this.live.dataset.live = String(connected);
  }

  /** @param {any} more */
  remember(more) {
    Object.assign(this.me, more);
    localStorage.setItem(ME, JSON.stringify(this.me));
  }

  async load() {
    const since = dicomDate(new Date(Date.now() - ENDED_DAYS * 86400000));
    const pages = await Promise.all(
      Object.keys(STATES).map((state) => {
        const query = new URLSearchParams({ ProcedureStepState: state, limit: String(MOST), includefield: "UnifiedProcedureStepPerformedProcedureSequence" });
        if (state === "COMPLETED" || state === "CANCELED") query.set("ScheduledProcedureStepModificationDateTime", `${since}-`);
        return search("/workitems", query, this.signal);
      }),
    );
    if (this.signal.aborted) return;
    const focused = document.activeElement?.getAttribute("data-action");
    fill(this.columns, Object.entries(STATES).map(([state, name], index) => this.column(state, name, pages[index])));
    // What is drawn anew keeps the place of the keyboard.
    if (focused) /** @type {any} */ ([...this.columns.querySelectorAll("[data-action]")].find((one) => one.dataset.action === focused))?.focus();
  }

  /** @param {string} state @param {string} name @param {{items: any[], remaining: number}} page */
  column(state, name, page) {
    const count = page.items.length + page.remaining;
    return h(
      "section",
      { class: "column", data: { state }, "aria-label": t(name) },
      h("h2", {}, `${t(name)} (${count})`),
      h("ul", {}, page.items.map((item) => h("li", { class: "card", data: { workitem: text(item, "00080018") } }, this.card(item, state)))),
      page.remaining > 0 && h("p", {}, t("… and {n} more", { n: page.remaining })),
    );
  }

  /** @param {any} item @param {string} state */
  card(item, state) {
    const uid = text(item, "00080018");
    const study = text(first(item, "00404021"), "0020000D");
    const progress = first(item, "00741002");
    const done = number(progress, "00741004");
    const who = [text(item, "00100010"), text(item, "00100020")].filter(Boolean).join(" · ");
    const labels = [text(item, "00741202"), priorityOf(text(item, "00741200"))].filter(Boolean).join(" · ");
    return [
      h("h3", {}, h("bdi", {}, text(item, "00741204") || uid)),
      who && h("p", {}, h("bdi", {}, who)),
      h("p", { class: "faint" }, h("bdi", {}, labels)),
      h("p", { class: "faint" }, dateTime(text(item, "00404005"))),
      study && h("p", {}, h("a", { href: `#/study/${encodeURIComponent(study)}` }, t("Open the study"))),
      state === "IN PROGRESS" && h("p", {}, h("bdi", {}, holderOf(item))),
      Number.isFinite(done) && state === "IN PROGRESS" && h("progress", { max: "100", value: String(done), "aria-label": t("Progress") }),
      h("p", { class: "faint" }, h("bdi", {}, text(progress, "00741006") || text(progress, "00741238"))),
      h("p", { class: "actions" }, this.actions(uid, state)),
    ];
  }

  /** @param {string} uid @param {string} state */
  actions(uid, state) {
    const mine = Boolean(remembered(CLAIMS, {})[uid]);
    const button = (/** @type {string} */ label, /** @type {(uid: string) => Promise<void>} */ act) =>
      h("button", { type: "button", data: { action: `${label} ${uid}` }, onclick: () => act.call(this, uid).then(this.later).catch(report) }, t(label));
    if (state === "SCHEDULED") return [button("Claim", this.claim), button("Cancel it", this.requestCancellation)];
    if (state !== "IN PROGRESS") return [];
    if (!mine) return [button("Ask for cancellation", this.requestCancellation)];
    return [button("Progress", this.progress), button("Complete", this.complete), button("Cancel it", this.cancel)];
  }

  async create() {
    const input = (/** @type {string} */ name, /** @type {any} */ more = {}) => h("input", { name, maxlength: "64", autocomplete: "off", ...more });
    const controls = { label: input("label", { required: true }), worklist: input("worklist"), patient: input("patient"), id: input("id"), study: input("study", { pattern: "[0-9.]{1,64}" }) };
    const priority = h("select", { name: "priority" }, ["MEDIUM", "HIGH", "LOW"].map((value) => h("option", { value }, priorityOf(value))));
    const labels = { label: "What is to be done", worklist: "Worklist", patient: "Patient name", id: "Patient ID", study: "Study Instance UID of the input" };
    const fields = Object.entries(controls).map(([name, control]) => field(t(/** @type {any} */ (labels)[name]), control));
    if (!(await ask(t("New workitem"), [fields, field(t("Priority"), priority)], t("Create"), t("Cancel")))) return;
    const value = (/** @type {keyof typeof controls} */ name) => controls[name].value.trim();
    const workitem = {
      "00741000": attribute("CS", "SCHEDULED"),
      "00741200": attribute("CS", priority.value),
      "00741204": attribute("LO", value("label")),
      "00404005": attribute("DT", dicomDateTime(new Date())),
      "00404041": attribute("CS", "READY"),
      ...(value("worklist") && { "00741202": attribute("LO", value("worklist")) }),
      ...(value("patient") && { "00100010": attribute("PN", { Alphabetic: value("patient") }) }),
      ...(value("id") && { "00100020": attribute("LO", value("id")) }),
      ...(value("study") && { "00404021": attribute("SQ", { "0020000D": attribute("UI", value("study")), "0040E020": attribute("CS", "DICOM") }) }),
    };
    await send("POST", "/workitems", workitem);
    this.later();
  }

  /** Claim it, then say who has it and since when. @param {string} uid */
  async claim(uid) {
    const transaction = newUid();
    await send("PUT", `/workitems/${uid}/state`, stateOf("IN PROGRESS", transaction));
    keepClaim(uid, transaction);
    await this.update(uid, { "00741216": attribute("SQ", this.performed()), "00741002": attribute("SQ", { "00741004": attribute("DS", 0) }) });
  }

  performed() {
    const started = attribute("DT", dicomDateTime(new Date()));
    const performer = { "00404037": attribute("PN", { Alphabetic: this.me.name }), "00404009": attribute("SQ", code(this.me.ae)) };
    return { "00404028": attribute("SQ", code(this.me.ae)), "00404050": started, ...(this.me.name && { "00404035": attribute("SQ", performer) }) };
  }

  /** @param {string} uid @param {any} members */
  update(uid, members) {
    return send("POST", `/workitems/${uid}?transaction-uid=${remembered(CLAIMS, {})[uid]}`, members);
  }

  /** @param {string} uid */
  async progress(uid) {
    const percent = h("input", { type: "number", name: "percent", min: "0", max: "100", required: true, value: "50" });
    const words = h("input", { name: "words", maxlength: "200", autocomplete: "off" });
    if (!(await ask(t("Progress"), [field(t("Per cent"), percent), field(t("What is being done"), words)], t("Report it"), t("Cancel")))) return;
    const item = { "00741004": attribute("DS", Number(percent.value)), ...(words.value && { "00741006": attribute("ST", words.value) }) };
    await this.update(uid, { "00741002": attribute("SQ", item) });
  }

  /** @param {string} uid */
  async complete(uid) {
    const response = await request(`/workitems/${uid}`);
    const [workitem] = await response.json();
    const before = first(workitem, "00741216") || this.performed();
    const label = text(workitem, "00741204");
    const performed = {
      ...before,
      "00404019": before["00404019"]?.Value ? before["00404019"] : attribute("SQ", code("DONE", label)),
      "00404051": attribute("DT", dicomDateTime(new Date())),
      "00404033": before["00404033"] || attribute("SQ"),
    };
    await this.update(uid, { "00741216": attribute("SQ", performed) });
    await send("PUT", `/workitems/${uid}/state`, stateOf("COMPLETED", remembered(CLAIMS, {})[uid]));
    keepClaim(uid, "");
  }

  /** @param {string} uid */
  async cancel(uid) {
    if (!(await ask(t("Cancel the workitem?"), h("p", {}, t("It cannot be taken up again.")), t("Cancel it"), t("Back")))) return;
    await send("PUT", `/workitems/${uid}/state`, stateOf("CANCELED", remembered(CLAIMS, {})[uid]));
    keepClaim(uid, "");
  }

  /** @param {string} uid */
  async requestCancellation(uid) {
    const reason = h("input", { name: "reason", maxlength: "200", autocomplete: "off" });
    if (!(await ask(t("Ask for cancellation"), field(t("Reason"), reason), t("Ask"), t("Back")))) return;
    await send("POST", `/workitems/${uid}/cancelrequest/${encodeURIComponent(this.me.ae)}`, reason.value ? { "00741238": attribute("LT", reason.value) } : {});
    say(t("The request has been sent."));
  }
}

/** @param {string} key @param {any} other */
function remembered(key, other) {
  try {
    return JSON.parse(localStorage.getItem(key) || "") || other;
  } catch {
    return other;
  }
}

/** The Transaction UID is the right to change a claimed workitem; it stays with this browser. @param {string} uid @param {string} transaction '' forgets it */
function keepClaim(uid, transaction) {
  const claims = remembered(CLAIMS, {});
  if (transaction) claims[uid] = transaction;
  else delete claims[uid];
  localStorage.setItem(CLAIMS, JSON.stringify(claims));
}

/** @param {any} item */
function holderOf(item) {
  const performed = first(item, "00741216");
  const person = text(first(performed, "00404035"), "00404037");
  const station = text(first(performed, "00404028"), "00080104");
  const who = [person, station].filter(Boolean).join(", ") || t("somebody");
  const since = text(performed, "00404050") || text(item, "00404010");
  return t("{who}, since {since}", { who, since: dateTime(since) });
}

/** @param {string} value */
function priorityOf(value) {
  const words = { HIGH: "High priority", MEDIUM: "Medium priority", LOW: "Low priority" };
  return t(/** @type {any} */ (words)[value] || value);
}

/** @param {string} value @param {string} [meaning] */
const code = (value, meaning = value) => ({ "00080100": attribute("SH", value.slice(0, SHORT)), "00080102": attribute("SH", SCHEME), "00080104": attribute("LO", meaning) });

/** @param {string} state @param {string} transaction */
const stateOf = (state, transaction) => ({ "00081195": attribute("UI", transaction), "00741000": attribute("CS", state) });

/** @param {string} method @param {string} path @param {any} members */
const send = (method, path, members) => request(path, { method, body: JSON.stringify([members]), type: "application/dicom+json" });

/** @param {any} error */
function report(error) {
  if (error.name !== "AbortError") say(error.message, "error");
}

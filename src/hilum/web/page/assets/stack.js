// A stack of images: every frame of every instance, rendered by the server.

import { fill, h } from "./dom.js";
import { t } from "./language.js";
import { all, number, text } from "./model.js";
import { request, showImage } from "./service.js";

/** @typedef {import("./content.js").Instance} Instance */

const PRESETS = {
  CT: [["Soft tissue", 40, 400], ["Lung", -600, 1500], ["Bone", 400, 1800], ["Brain", 40, 80], ["Abdomen", 60, 400], ["Mediastinum", 50, 350]],
};
const KEPT = 200;

export class Stack {
  /** @param {{place: HTMLElement, instances: Instance[], signal: AbortSignal, changed: (instance: Instance) => void}} wanted */
  constructor({ place, instances, signal, changed }) {
    this.place = place;
    this.signal = signal;
    this.changed = changed;
    this.pictures = instances.flatMap((instance) => Array.from({ length: Math.max(1, instance.frames) }, (_, frame) => ({ instance, frame: frame + 1 })));
    this.at = 0;
    /** @type {{center: number, width: number}|null} null: as the object says */
    this.window = null;
    /** @type {Map<string, any>} */
    this.metadata = new Map();
    this.timer = 0;
    /** @type {Promise<void>|undefined} */
    this.busy = undefined;
    /** @type {{center: number, width: number}} what is shown while `window` is null */
    this.initial = { center: 0, width: 1 };
  }

  start() {
    this.image = h("img", { class: "image", alt: t("Image of the series"), draggable: "false" });
    this.corner = h("div", { class: "corner" });
    this.stage = h("div", { class: "stage", tabindex: "0", role: "group", "aria-label": t("Image: arrow keys or the wheel go through the series, dragging changes the window") }, this.image, this.corner);
    this.position = h("input", { type: "range", min: "1", max: String(this.pictures.length), value: "1", oninput: () => this.go(Number(this.position.value) - 1) });
    this.playing = h("button", { type: "button", "aria-pressed": "false", onclick: () => this.play() }, t("Play"));
    this.speed = h("input", { type: "number", min: "1", max: "60", value: "10" });
    this.windowing = h("div", { class: "controls" });
    const stack = h(
      "div",
      { class: "controls", hidden: this.pictures.length < 2 },
      label(t("Position"), this.position, "wide"),
      this.playing,
      label(t("Images a second"), this.speed),
    );
    fill(this.place, this.stage, stack, this.windowing);
    this.listen();
    this.signal.addEventListener("abort", () => this.stop());
    this.go(0);
  }

  listen() {
    this.stage.addEventListener("wheel", (/** @type {WheelEvent} */ event) => {
      if (this.pictures.length < 2 || event.ctrlKey) return;
      event.preventDefault();
      this.go(this.at + Math.sign(event.deltaY));
    }, { passive: false });
    /** @type {Record<string, number>} */
    const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    this.stage.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === " ") this.play();
      else if (event.key in steps) this.go(this.at + steps[event.key]);
      else return;
      event.preventDefault();
    });
    this.stage.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => this.drag(event));
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (!this.bounds || event.button !== 0) return;
    const { clientX, clientY, pointerId } = event;
    const from = { ...this.current() };
    const scale = this.bounds.span / 800;
    this.stage.setPointerCapture(pointerId);
    const move = (/** @type {PointerEvent} */ now) => {
      this.setWindow(from.center + (now.clientY - clientY) * scale, Math.max(1, from.width + (now.clientX - clientX) * scale));
    };
    const end = () => this.stage.removeEventListener("pointermove", move);
    this.stage.addEventListener("pointermove", move);
    this.stage.addEventListener("pointerup", end, { once: true });
    this.stage.addEventListener("pointercancel", end, { once: true });
  }

  /** @param {number} place */
  go(place) {
    const before = this.pictures[this.at]?.instance;
    this.at = Math.min(this.pictures.length - 1, Math.max(0, place));
    const { instance } = this.pictures[this.at];
    this.position.value = String(this.at + 1);
    this.corner.textContent = `${this.at + 1} / ${this.pictures.length}`;
    if (instance !== before || !this.shown) {
      this.changed(instance);
      this.describe(instance).catch(quiet);
    }
    this.shown = true;
    this.refresh();
  }

  /** Ask for the picture of this moment; while one is on its way only the latest wish waits. */
  refresh() {
    this.due = true;
    this.busy ||= this.work().finally(() => {
      this.busy = undefined;
    });
    return this.busy;
  }

  async work() {
    while (this.due && !this.signal.aborted) {
      this.due = false;
      await this.draw();
    }
  }

  async draw() {
    const { instance, frame } = this.pictures[this.at];
    const part = instance.frames > 1 ? `/frames/${frame}` : "";
    const side = Math.round(Math.max(this.stage.clientWidth, this.stage.clientHeight, 256) * Math.min(devicePixelRatio, 2));
    const query = new URLSearchParams({ viewport: `${side},${side}` });
    if (this.window) query.set("window", `${this.window.center},${this.window.width},linear`);
    try {
      await showImage(this.image, `${instance.path}${part}/rendered?${query}`, "image/jpeg", this.signal);
      this.image.hidden = false;
    } catch (/** @type {any} */ error) {
      if (this.signal.aborted) return;
      this.image.hidden = true;
      this.corner.textContent = error.message;
      this.stop();
    }
  }

  /** What the instance says of its windows and its speed. @param {Instance} instance */
  async describe(instance) {
    let metadata = this.metadata.get(instance.path);
    if (!metadata) {
      const response = await request(`${instance.path}/metadata`, { signal: this.signal });
      [metadata] = await response.json();
      this.metadata.set(instance.path, metadata);
      if (this.metadata.size > KEPT) this.metadata.delete([...this.metadata.keys()][0]);
    }
    if (instance !== this.pictures[this.at].instance || this.windowed) return;
    this.windowed = true;
    const rate = number(metadata, "00082144") || number(metadata, "00180040") || 1000 / number(metadata, "00181063");
    if (rate > 0) this.speed.value = String(Math.min(60, Math.round(rate) || 1));
    if (text(metadata, "00280004").startsWith("MONOCHROME")) this.offerWindows(metadata);
  }

  /** @param {any} metadata */
  offerWindows(metadata) {
    this.bounds = boundsOf(metadata);
    const own = all(metadata, "00281050").map((center, index) => ({
      name: String(all(metadata, "00281055")[index] || t("Window {n} of the object", { n: index + 1 })),
      center: Number.parseFloat(center),
      width: Number.parseFloat(all(metadata, "00281051")[index]),
    }));
    /** @type {any[][]} */
    const known = /** @type {any} */ (PRESETS)[text(metadata, "00080060")] || [];
    const presets = [...own, ...known.map(([name, center, width]) => ({ name: t(name), center, width }))].filter(({ center, width }) => Number.isFinite(center) && width >= 1);
    this.initial = own.find(({ center, width }) => Number.isFinite(center) && width >= 1) || { center: this.bounds.low + this.bounds.span / 2, width: this.bounds.span };
    const select = h("select", { onchange: () => this.preset(presets[Number(select.value)]) }, h("option", { value: "-1" }, t("As the object says")), presets.map((one, index) => h("option", { value: String(index) }, `${one.name} (${one.center} / ${one.width})`)));
    this.presets = select;
    const { low, span } = this.bounds;
    const slider = (/** @type {number} */ min, /** @type {number} */ max, /** @type {number} */ value) => h("input", { type: "range", min: String(min), max: String(max), step: span > 20 ? "1" : "any", value: String(value), oninput: () => this.setWindow(Number(this.center.value), Number(this.width.value)) });
    this.center = slider(low, low + span, this.initial.center);
    this.width = slider(1, Math.max(2, span), this.initial.width);
    this.numbers = h("output", {}, "");
    fill(this.windowing, label(t("Window"), select), label(t("Center"), this.center), label(t("Width"), this.width), this.numbers);
  }

  current() {
    return this.window || this.initial;
  }

  /** @param {{center: number, width: number}|undefined} preset */
  preset(preset) {
    this.window = preset ? { center: preset.center, width: preset.width } : null;
    const { center, width } = this.current();
    this.center.value = String(center);
    this.width.value = String(width);
    this.numbers.textContent = preset ? `${center} / ${width}` : "";
    this.refresh();
  }

  /** @param {number} center @param {number} width */
  setWindow(center, width) {
    this.window = { center: rounded(center), width: Math.max(1, rounded(width)) };
    this.center.value = String(center);
    this.width.value = String(width);
    this.presets.value = "-1";
    this.numbers.textContent = `${this.window.center} / ${this.window.width}`;
    this.refresh();
  }

  play() {
    if (this.timer) {
      this.stop();
      return;
    }
    this.playing.setAttribute("aria-pressed", "true");
    this.playing.textContent = t("Stop");
    this.timer = 1;
    this.next();
  }

  /** The next image comes when the last is there and its time is over: a slow server plays slower. */
  async next() {
    const began = performance.now();
    this.go((this.at + 1) % this.pictures.length);
    await this.busy;
    if (!this.timer) return;
    const wait = 1000 / Math.min(60, Math.max(1, Number(this.speed.value) || 10)) - (performance.now() - began);
    this.timer = setTimeout(() => this.next(), Math.max(0, wait));
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.playing.setAttribute("aria-pressed", "false");
    this.playing.textContent = t("Play");
  }
}

/** The values that the pixels can have, after rescaling. @param {any} metadata */
function boundsOf(metadata) {
  if (text(metadata, "00080060") === "CT") return { low: -1024, span: 4096 };
  const bits = Math.min(16, number(metadata, "00280101", 8));
  const slope = Math.abs(number(metadata, "00281053", 1)) || 1;
  const signed = number(metadata, "00280103", 0) === 1;
  const low = (signed ? -(2 ** (bits - 1)) : 0) * slope + number(metadata, "00281052", 0);
  return { low, span: 2 ** bits * slope };
}

/** @param {number} value */
const rounded = (value) => Math.round(value * 100) / 100;

/** @param {string} name @param {HTMLElement} control @param {string} [more] */
const label = (name, control, more = "") => h("label", { class: `field ${more}` }, h("span", {}, name), control);

/** @param {any} error */
function quiet(error) {
  if (error.name !== "AbortError") throw error;
}

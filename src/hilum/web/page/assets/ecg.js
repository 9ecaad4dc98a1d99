// Waveforms as curves (PS3.3 C.10.9), drawn from their samples.

import { fill, h } from "./dom.js";
import { t } from "./language.js";
import { all, first, number, text } from "./model.js";
import { bytesOf } from "./service.js";

/** @type {Record<string, {bytes: number, read: (view: DataView, at: number) => number}>} */
const FORMS = {
  SB: { bytes: 1, read: (view, at) => view.getInt8(at) },
  UB: { bytes: 1, read: (view, at) => view.getUint8(at) },
  SS: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  US: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  SL: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  UL: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
};
const ROW = 110;
const SECOND = 150;
const WIDEST = 8000;
const MOST_CHANNELS = 64;

/** @param {HTMLElement} stage @param {any} metadata @param {AbortSignal} signal */
export async function showEcg(stage, metadata, signal) {
  const groups = all(metadata, "54000100").filter(Boolean);
  const report = h("div", { class: "report" });
  fill(stage, report);
  for (const [index, group] of groups.entries()) {
    const bytes = await bytesOf(group["54001010"], "application/octet-stream", signal);
    if (signal.aborted) return;
    const seconds = number(group, "003A0010", 0) / number(group, "003A001A", 1);
    const title = text(group, "003A0020") || t("Waveform {n}", { n: index + 1 });
    const canvas = bytes && draw(group, new DataView(bytes));
    report.append(h("h2", {}, h("bdi", {}, title), ` · ${seconds.toFixed(1)} s · ${number(group, "003A001A", 0)} Hz`));
    report.append(canvas || h("p", {}, t("The samples of this waveform cannot be read.")));
  }
}

/** @param {any} group @param {DataView} samples @returns {HTMLCanvasElement|null} */
function draw(group, samples) {
  const form = FORMS[text(group, "54001006")];
  const channels = number(group, "003A0005", 0);
  if (!form || channels < 1 || channels > MOST_CHANNELS) return null;
  const count = Math.min(number(group, "003A0010", 0), Math.floor(samples.byteLength / form.bytes / channels));
  const frequency = number(group, "003A001A", 0);
  if (count < 1 || frequency <= 0) return null;
  const canvas = document.createElement("canvas");
  canvas.width = Math.min(WIDEST, Math.max(600, Math.round((count / frequency) * SECOND)));
  canvas.height = channels * ROW;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  grid(pen, canvas, canvas.width / (count / frequency));
  const definitions = all(group, "003A0200");
  const names = definitions.map((one) => text(first(one, "003A0208"), "00080104") || text(one, "003A0203"));
  const curves = Array.from({ length: channels }, (_, channel) => curve(samples, form, channels, channel, count));
  for (const [channel, values] of curves.entries()) plot(pen, canvas.width, channel * ROW, values, names[channel] || String(channel + 1));
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", names.join(", "));
  return canvas;
}

/** @param {DataView} view @param {any} form @param {number} channels @param {number} channel @param {number} count */
function curve(view, form, channels, channel, count) {
  const values = new Float64Array(count);
  for (let index = 0; index < count; index += 1) values[index] = form.read(view, (index * channels + channel) * form.bytes);
  return values;
}

/** @param {CanvasRenderingContext2D} pen @param {HTMLCanvasElement} canvas @param {number} second pixels */
function grid(pen, canvas, second) {
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.strokeStyle = "#f0c8c8";
  pen.beginPath();
  for (let x = 0; x < canvas.width; x += second / 5) pen.rect(Math.round(x), 0, 0, canvas.height);
  for (let y = 0; y < canvas.height; y += ROW / 4) pen.rect(0, Math.round(y), canvas.width, 0);
  pen.stroke();
}

/** @param {CanvasRenderingContext2D} pen @param {number} width @param {number} top @param {Float64Array} values @param {string} name */
function plot(pen, width, top, values, name) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const scale = (ROW - 20) / (high - low || 1);
  pen.strokeStyle = "#111";
  pen.beginPath();
  values.forEach((value, index) => pen.lineTo((index / values.length) * width, top + ROW - 10 - (value - low) * scale));
  pen.stroke();
  pen.fillStyle = "#0b5c8a";
  pen.font = "14px sans-serif";
  pen.fillText(name.slice(0, 60), 4, top + 16);
}

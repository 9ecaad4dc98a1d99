// The DICOM JSON Model: values of attributes, and how a person reads them.

import { language } from "./language.js";

/** @typedef {Record<string, {vr: string, Value?: any[], BulkDataURI?: string, InlineBinary?: string}>} DataSet */

/** The first value. @param {DataSet|undefined|null} set @param {string} tag @returns {any} */
export const first = (set, tag) => set?.[tag]?.Value?.[0] ?? undefined;

/** All values. @param {DataSet|undefined|null} set @param {string} tag @returns {any[]} */
export const all = (set, tag) => set?.[tag]?.Value ?? [];

/** The first value as text. @param {DataSet|undefined|null} set @param {string} tag @returns {string} */
export function text(set, tag) {
  const value = first(set, tag);
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? personName(value) : String(value);
}

/** The first value as a number, or the other. @param {DataSet|undefined|null} set @param {string} tag @param {number} [other] */
export function number(set, tag, other = NaN) {
  const value = Number.parseFloat(first(set, tag));
  return Number.isFinite(value) ? value : other;
}

/** @param {any} value @returns {string} */
export function personName(value) {
  const groups = ["Alphabetic", "Ideographic", "Phonetic"].map((group) => value?.[group]).filter((one) => typeof one === "string" && one);
  return groups.map((group) => group.split("^").filter(Boolean).join(" ")).join(" · ");
}

/** @param {string} value YYYYMMDD */
export function date(value) {
  const found = /^(\d{4})(\d{2})(\d{2})/.exec(value);
  if (!found) return value;
  const day = new Date(Number(found[1]), Number(found[2]) - 1, Number(found[3]));
  return day.toLocaleDateString(language(), { year: "numeric", month: "2-digit", day: "2-digit" });
}

/** @param {string} value HHMM… */
export const time = (value) => (/^\d{4}/.test(value) ? `${value.slice(0, 2)}:${value.slice(2, 4)}` : value);

/** @param {string} value YYYYMMDDHHMM… */
export const dateTime = (value) => (value.length >= 12 ? `${date(value)} ${time(value.slice(8))}` : date(value));

/** @param {Date} day */
export function dicomDate(day) {
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  return `${day.getFullYear()}${two(day.getMonth() + 1)}${two(day.getDate())}`;
}

/** @param {Date} moment */
export function dicomDateTime(moment) {
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  return `${dicomDate(moment)}${two(moment.getHours())}${two(moment.getMinutes())}${two(moment.getSeconds())}`;
}

/** @param {number} bytes */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let step = 0;
  while (bytes >= 1000 && step < units.length - 1) {
    bytes /= 1000;
    step += 1;
  }
  return `${bytes.toLocaleString(language(), { maximumFractionDigits: step ? 1 : 0 })} ${units[step]}`;
}

/** A UID that nobody else has (PS3.5 B.2). @returns {string} */
export function newUid() {
  const words = crypto.getRandomValues(new Uint8Array(16));
  words[6] = (words[6] & 0x0f) | 0x40;
  words[8] = (words[8] & 0x3f) | 0x80;
  return `2.25.${words.reduce((sum, word) => sum * 256n + BigInt(word), 0n)}`;
}

/** @param {string} vr @param {...any} values */
export const attribute = (vr, ...values) => (values.length ? { vr, Value: values } : { vr });

/** @param {string} study @param {string} [series] @param {string} [instance] */
export function pathOf(study, series, instance) {
  let path = `/studies/${encodeURIComponent(study)}`;
  if (series) path += `/series/${encodeURIComponent(series)}`;
  if (instance) path += `/instances/${encodeURIComponent(instance)}`;
  return path;
}

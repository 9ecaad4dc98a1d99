// English is the text in the code; other languages are tables from it.

import { GERMAN } from "./german.js";

const KEY = "hilum.language";
/** @type {Record<string, Record<string, string>>} */
const TABLES = { de: GERMAN };

/** @returns {string} `en` or `de` */
export function language() {
  const chosen = localStorage.getItem(KEY);
  if (chosen === "en" || chosen === "de") return chosen;
  return navigator.language.toLowerCase().startsWith("de") ? "de" : "en";
}

/** @param {string} name */
export function setLanguage(name) {
  localStorage.setItem(KEY, name);
}

/**
 * A text in the person's language, with values in the place of `{name}`.
 * @param {string} english @param {Record<string, string|number>} [values]
 */
export function t(english, values = {}) {
  const sentence = TABLES[language()]?.[english] ?? english;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
}

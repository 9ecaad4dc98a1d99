// Instances made of photographs and PDF: metadata and bulk data in one Store request (PS3.18 10.5.1.4).

import { ask, field, h } from "./dom.js";
import { t } from "./language.js";
import { attribute, dicomDate, newUid } from "./model.js";

/** What a file is by its first bytes. @type {[string, number[]][]} */
const KINDS = [
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/png", [0x89, 0x50, 0x4e, 0x47]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
  ["application/pdf", [0x25, 0x50, 0x44, 0x46]],
  ["application/zip", [0x50, 0x4b, 0x03, 0x04]],
];
const DICOM_AT = 128;

/** @param {Blob} blob @returns {Promise<string>} a media type; '' if it is none of those that are told apart */
export async function kindOf(blob) {
  const head = new Uint8Array(await blob.slice(0, DICOM_AT + 4).arrayBuffer());
  if (new TextDecoder("latin1").decode(head.slice(DICOM_AT)) === "DICM") return "application/dicom";
  return KINDS.find(([, bytes]) => bytes.every((byte, index) => head[index] === byte))?.[0] || "";
}

/** Ask whom photographs and documents show. @param {number} count @returns {Promise<Record<string, any>|null>} attributes of all of them */
export async function askAbout(count) {
  const text = (/** @type {string} */ name, /** @type {boolean} */ required = false) => h("input", { name, maxlength: "64", required, autocomplete: "off" });
  const controls = {
    family: text("family", true),
    given: text("given"),
    id: text("id", true),
    birth: h("input", { type: "date", name: "birth" }),
    sex: h("select", { name: "sex" }, [["", ""], ["F", "Female"], ["M", "Male"], ["O", "Other"]].map(([value, name]) => h("option", { value }, t(name)))),
    description: text("description"),
    accession: text("accession"),
  };
  const labels = { family: "Family name", given: "Given name", id: "Patient ID", birth: "Date of birth", sex: "Sex", description: "Description", accession: "Accession number" };
  const fields = Object.entries(controls).map(([name, control]) => field(t(/** @type {any} */ (labels)[name]), control));
  const question = h("p", {}, t("{n} photographs or documents: whom do they show? They become one new study.", { n: count }));
  if (!(await ask(t("Photographs and documents"), [question, h("div", { class: "fields" }, fields)], t("Upload"), t("Leave them out")))) return null;
  const value = (/** @type {keyof typeof controls} */ name) => controls[name].value.trim();
  const now = new Date();
  const name = `${value("family")}^${value("given")}`.replace(/\^$/, "");
  const optional = (/** @type {string} */ vr, /** @type {string} */ given) => (given ? attribute(vr, given) : attribute(vr));
  return {
    "00080020": attribute("DA", dicomDate(now)),
    "00080030": attribute("TM", now.toTimeString().slice(0, 8).replaceAll(":", "")),
    "00080050": optional("SH", value("accession").slice(0, 16)),
    "00081030": optional("LO", value("description")),
    "00100010": attribute("PN", { Alphabetic: name }),
    "00100020": attribute("LO", value("id")),
    "00100030": optional("DA", value("birth").replaceAll("-", "")),
    "00100040": optional("CS", value("sex")),
    "0020000D": attribute("UI", newUid()),
  };
}

/** @type {Map<string, string>} */
const series = new Map();

/**
 * The payload of a Store request that makes an instance.
 * @param {Blob} blob @param {string} kind media type @param {string} name of the file @param {Record<string, any>} about @param {number} number in its series
 * @returns {{body: Blob, type: string}}
 */
export function payload(blob, kind, name, about, number) {
  const isDocument = kind === "application/pdf";
  const key = `${about["0020000D"].Value[0]} ${isDocument}`;
  if (!series.has(key)) series.set(key, newUid());
  const metadata = {
    ...about,
    "00080016": attribute("UI", `1.2.840.10008.5.1.4.1.1.${isDocument ? "104.1" : "77.1.4"}`),
    "00080018": attribute("UI", newUid()),
    "00080060": attribute("CS", isDocument ? "DOC" : "XC"),
    "0020000E": attribute("UI", series.get(key)),
    "00200011": attribute("IS", isDocument ? 2 : 1),
    "00200013": attribute("IS", number),
    ...(isDocument
      ? { "00420010": attribute("ST", name.slice(0, 1024)), "00420011": { vr: "OB", BulkDataURI: "bulk/1" } }
      : { "7FE00010": { vr: "OB", BulkDataURI: "bulk/1" } }),
  };
  const boundary = `hilum-${crypto.getRandomValues(new Uint32Array(4)).join("")}`;
  const part = (/** @type {string} */ type, /** @type {string} */ more) => `--${boundary}\r\nContent-Type: ${type}\r\n${more}\r\n`;
  const body = new Blob([
    part("application/dicom+json", ""),
    JSON.stringify([metadata]),
    "\r\n",
    part(kind, "Content-Location: bulk/1\r\n"),
    blob,
    `\r\n--${boundary}--\r\n`,
  ]);
  return { body, type: `multipart/related; type="application/dicom+json"; boundary=${boundary}` };
}

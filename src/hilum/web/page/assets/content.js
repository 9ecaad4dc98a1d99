// What a series shows: its images as one stack, or what else its instances are.

import { fill, h } from "./dom.js";
import { showEcg } from "./ecg.js";
import { t } from "./language.js";
import { first, number, text } from "./model.js";
import { showReport } from "./report.js";
import { SERVICE, bytesOf, request, token } from "./service.js";
import { Stack } from "./stack.js";

/** @typedef {{path: string, uid: string, sopClass: string, frames: number, hasPixels: boolean}} Instance */

const VIDEO = ["1.2.840.10008.5.1.4.1.1.77.1.1.1", "1.2.840.10008.5.1.4.1.1.77.1.2.1", "1.2.840.10008.5.1.4.1.1.77.1.4.1"];

/**
 * Show the instances of a series.
 * @param {{place: HTMLElement, instances: Instance[], signal: AbortSignal, changed: (instance: Instance) => void}} wanted
 */
export function showContent({ place, instances, signal, changed }) {
  const images = instances.filter((one) => one.hasPixels && !VIDEO.includes(one.sopClass));
  const others = instances.filter((one) => !images.includes(one));
  if (images.length) {
    const box = h("div", {});
    const stack = new Stack({ place: box, instances: images, signal, changed });
    fill(place, others.length > 0 && chooser(others, (one) => showOther(box, one, signal, changed)), box);
    stack.start();
    return;
  }
  if (!others.length) {
    fill(place, h("p", {}, t("There is nothing in this series.")));
    return;
  }
  const box = h("div", {});
  const choose = (/** @type {Instance} */ one) => showOther(box, one, signal, changed);
  fill(place, others.length > 1 && chooser(others, choose), box);
  choose(others[0]);
}

/** @param {Instance[]} instances @param {(one: Instance) => void} choose */
function chooser(instances, choose) {
  const select = h("select", { onchange: () => choose(instances[select.selectedIndex]) }, instances.map((one, index) => h("option", {}, `${index + 1}: ${one.uid}`)));
  return h("label", { class: "field" }, h("span", {}, t("Instance")), select);
}

/** @param {HTMLElement} place @param {Instance} instance @param {AbortSignal} signal @param {(instance: Instance) => void} changed */
async function showOther(place, instance, signal, changed) {
  changed(instance);
  const stage = h("div", { class: "stage document" });
  fill(place, stage);
  const response = await request(`${instance.path}/metadata`, { signal });
  const [metadata] = await response.json();
  if (signal.aborted) return;
  if (metadata["00420011"]) await showDocument(stage, instance, metadata, signal);
  else if (metadata["0040A730"]) showReport(stage, metadata);
  else if (metadata["54000100"]) await showEcg(stage, metadata, signal);
  else if (VIDEO.includes(instance.sopClass)) await showVideo(stage, instance, signal);
  else nothing(stage, instance, metadata);
}

/** @param {HTMLElement} stage @param {Instance} instance @param {any} metadata @param {AbortSignal} signal */
async function showDocument(stage, instance, metadata, signal) {
  const type = text(metadata, "00420012");
  if (type !== "application/pdf") {
    nothing(stage, instance, metadata);
    return;
  }
  const bytes = await bytesOf(metadata["00420011"], type, signal);
  const url = URL.createObjectURL(new Blob([bytes || ""], { type }));
  signal.addEventListener("abort", () => URL.revokeObjectURL(url));
  const title = text(metadata, "00420010") || "PDF";
  fill(stage, h("iframe", { src: url, title }));
  stage.after(h("p", {}, h("a", { href: url, target: "_blank", rel: "noopener" }, t("Open the document in a window of its own"))));
}

/** @param {HTMLElement} stage @param {Instance} instance @param {AbortSignal} signal */
async function showVideo(stage, instance, signal) {
  let source = `${SERVICE}${instance.path}/pixeldata`;
  if (token.get()) {
    // A video element can carry no token: then the whole video is fetched before it plays.
    const response = await request(`${instance.path}/pixeldata`, { accept: "video/mp4, video/*;q=0.5", signal });
    source = URL.createObjectURL(await response.blob());
    signal.addEventListener("abort", () => URL.revokeObjectURL(source));
  }
  stage.classList.remove("document");
  const video = h("video", { controls: true, preload: "metadata", src: source, onerror: () => fill(stage, h("p", {}, t("This browser cannot play the video; download the file instead."))) });
  fill(stage, video);
}

/** @param {HTMLElement} stage @param {Instance} instance @param {any} metadata */
function nothing(stage, instance, metadata) {
  const what = text(metadata, "00080060") || instance.sopClass;
  const more = first(metadata, "0020000E") === undefined ? "" : ` (${number(metadata, "00200013", 1)})`;
  fill(stage, h("div", { class: "report" }, h("p", {}, h("bdi", {}, what), more), h("p", {}, t("There is no picture of this object: its attributes and the file are below."))));
}

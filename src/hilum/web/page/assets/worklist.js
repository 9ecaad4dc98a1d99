import { fill, h } from "./dom.js";
/** @param {import("./app.js").Context} context */
export function show(context) { fill(context.place, h("p", {}, "…")); }

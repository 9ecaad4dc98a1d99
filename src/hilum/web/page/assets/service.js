// The public DICOMweb services, and the server's own description of itself.

const meta = /** @type {HTMLMetaElement} */ (document.querySelector('meta[name="hilum-service"]'));
/** Where the page lies, whatever the proxy in front of it. */
export const HOME = new URL(".", document.baseURI);
export const SERVICE = new URL(meta.content || ".", HOME).href.replace(/\/$/, "");
export const DICOM_JSON = "application/dicom+json";

const TOKEN = "hilum.token";
export const token = {
  /** @returns {string} */
  get: () => sessionStorage.getItem(TOKEN) || "",
  /** @param {string} value */
  set: (value) => (value ? sessionStorage.setItem(TOKEN, value) : sessionStorage.removeItem(TOKEN)),
};

/** What an answer other than success says. */
export class Refused extends Error {
  /** @param {number} status @param {string} sentence @param {any} [body] */
  constructor(status, sentence, body) {
    super(sentence || `HTTP ${status}`);
    this.status = status;
    this.body = body;
  }
}

/** @returns {Record<string, string>} */
export function credentials() {
  return token.get() ? { Authorization: `Bearer ${token.get()}` } : {};
}

/**
 * Send a request and return the answer, if it is a success.
 * @param {string} path below the service's root, or an absolute URL
 * @param {{method?: string, accept?: string, body?: BodyInit, type?: string, signal?: AbortSignal}} [options]
 * @returns {Promise<Response>}
 */
export async function request(path, options = {}) {
  const headers = { Accept: options.accept || DICOM_JSON, ...credentials() };
  if (options.type) Object.assign(headers, { "Content-Type": options.type });
  const url = path.startsWith("/") ? SERVICE + path : path;
  const { method = "GET", body, signal } = options;
  const response = await fetch(url, { method, headers, body, signal, cache: "no-cache" });
  if (response.ok) return response;
  if (response.status === 401) document.dispatchEvent(new CustomEvent("hilum:token"));
  const text = await response.text();
  throw new Refused(response.status, sentenceOf(text, response), parsed(text));
}

/** @param {string} text @returns {any} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {string} text @param {Response} response */
function sentenceOf(text, response) {
  const body = parsed(text);
  if (body && typeof body.error === "string") return body.error;
  const warning = warningsOf(response.headers).join(" ");
  return warning || (body ? "" : text.trim().slice(0, 400));
}

/** The texts of a Warning header. @param {Headers} headers @returns {string[]} */
export function warningsOf(headers) {
  const text = headers.get("Warning") || "";
  return text
    .split(/,?\s*299 /)
    .map((part) => part.replace(/^\S+ ?/, "").replace(/^"|"$/g, "").trim())
    .filter(Boolean);
}

/**
 * Search, and tell what else there is.
 * @param {string} path @param {URLSearchParams|string} query @param {AbortSignal} [signal]
 * @returns {Promise<{items: any[], remaining: number, warnings: string[]}>}
 */
export async function search(path, query, signal) {
  const response = await request(`${path}?${query}`, { signal });
  const warnings = warningsOf(response.headers);
  const more = /There are (\d+) additional results/;
  const remaining = warnings.map((text) => more.exec(text)).find(Boolean);
  return {
    items: response.status === 204 ? [] : await response.json(),
    remaining: remaining ? Number(remaining[1]) : 0,
    warnings: warnings.filter((text) => !more.test(text)),
  };
}

/** All matches, in as many requests as it takes. @param {string} path @param {Record<string, string>} [keys] @param {AbortSignal} [signal] */
export async function searchAll(path, keys = {}, signal) {
  const found = [];
  for (;;) {
    const page = await search(path, new URLSearchParams({ ...keys, limit: "1000", offset: String(found.length) }), signal);
    found.push(...page.items);
    if (!page.remaining || !page.items.length) return found;
  }
}

/** What the server says of itself. @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function serverPage(signal) {
  const response = await request(new URL("server.json", HOME).href, { accept: "application/json", signal });
  return response.json();
}

/** A bulk data URI as a path of this service, whatever host it was written for. @param {string} uri */
export function pathOfUri(uri) {
  const place = uri.indexOf("/studies/");
  return place < 0 ? uri : uri.slice(place);
}

/**
 * The bytes of a value, which are in the metadata or have a URI there; null if there are none.
 * @param {{InlineBinary?: string, BulkDataURI?: string}|undefined} element @param {string} accept @param {AbortSignal} signal
 * @returns {Promise<ArrayBuffer|null>}
 */
export async function bytesOf(element, accept, signal) {
  if (element?.InlineBinary) return Uint8Array.from(atob(element.InlineBinary), (letter) => letter.charCodeAt(0)).buffer;
  if (!element?.BulkDataURI) return null;
  const response = await request(pathOfUri(element.BulkDataURI), { accept, signal });
  return response.arrayBuffer();
}

/**
 * Fetch an image and show it; what it showed before is given back to the browser.
 * @param {HTMLImageElement} image @param {string} path @param {string} accept @param {AbortSignal} [signal]
 */
export async function showImage(image, path, accept, signal) {
  const response = await request(path, { accept, signal });
  const url = URL.createObjectURL(await response.blob());
  if (signal?.aborted) {
    URL.revokeObjectURL(url);
    return;
  }
  const before = image.src;
  image.src = url;
  await image.decode().catch(() => undefined);
  if (before.startsWith("blob:")) URL.revokeObjectURL(before);
}

/** @type {IntersectionObserver|undefined} */
let watching;
/** @type {WeakMap<Element, string>} */
const awaited = new WeakMap();

/**
 * An image that is fetched once it comes into sight.
 * @param {string} path of the resource whose thumbnail it is @param {string} alt @returns {HTMLImageElement}
 */
export function thumbnail(path, alt) {
  const image = document.createElement("img");
  image.className = "thumbnail";
  image.alt = alt;
  image.width = image.height = 64;
  awaited.set(image, `${path}/thumbnail`);
  watching ||= new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      const wanted = awaited.get(target);
      if (!isIntersecting || !wanted) continue;
      watching?.unobserve(target);
      awaited.delete(target);
      showImage(/** @type {HTMLImageElement} */ (target), wanted, "image/jpeg, image/png").catch(() => target.classList.add("missing"));
    }
  });
  watching.observe(image);
  return image;
}

/**
 * A link that downloads. What needs a token or names a media type of DICOM is fetched first: a link can carry no token,
 * and its own Accept header asks for pages and images, which PS3.18 lets nobody mix with DICOM (8.7.5).
 * @param {HTMLAnchorElement} link @param {string} path @param {string} accept @param {string} name
 */
export function makeDownload(link, path, accept, name) {
  link.href = `${SERVICE}${path}?accept=${encodeURIComponent(accept)}`;
  link.download = name;
  link.addEventListener("click", async (event) => {
    if (!token.get() && accept === "application/zip") return;
    event.preventDefault();
    const response = await request(path, { accept });
    const url = URL.createObjectURL(await response.blob());
    const saver = document.createElement("a");
    saver.href = url;
    saver.download = name;
    saver.click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  });
}

// Event reports of the worklist over a WebSocket, which is opened again when it breaks (PS3.18 8.10, 11.10).

import { SERVICE, request, token } from "./service.js";

const WORKLIST = "1.2.840.10008.5.1.4.34.5";
/** The subprotocol of the channel; a second name beside it carries the token, since a browser sends no other header. */
const PROTOCOL = "hilum.events";
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30000;

export class Channel {
  /** @param {{ae: string, signal: AbortSignal, changed: () => void, state: (connected: boolean) => void}} wanted */
  constructor({ ae, signal, changed, state }) {
    this.ae = encodeURIComponent(ae);
    this.signal = signal;
    this.changed = changed;
    this.state = state;
    this.wait = FIRST_WAIT_MS;
  }

  async open() {
    await request(`/workitems/${WORKLIST}/subscribers/${this.ae}`, { method: "POST", signal: this.signal });
    this.connect();
  }

  connect() {
    if (this.signal.aborted) return;
    const url = `${SERVICE.replace(/^http/, "ws")}/subscribers/${this.ae}`;
    const socket = token.get() ? new WebSocket(url, [PROTOCOL, `hilum.bearer.${encoded(token.get())}`]) : new WebSocket(url);
    const leave = () => socket.close(1000);
    this.signal.addEventListener("abort", leave);
    socket.onopen = () => {
      this.wait = FIRST_WAIT_MS;
      this.state(true);
      this.changed();
    };
    socket.onmessage = () => this.changed();
    socket.onclose = () => {
      this.signal.removeEventListener("abort", leave);
      if (this.signal.aborted) return;
      this.state(false);
      setTimeout(() => {
        this.changed();
        this.connect();
      }, this.wait);
      this.wait = Math.min(LONGEST_WAIT_MS, this.wait * 2);
    };
  }
}

/** A token in letters that a subprotocol may have. @param {string} text */
function encoded(text) {
  const bytes = new TextEncoder().encode(text);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// Elements from code. Text is always a text node, so nothing of a data set is ever read as markup.

/**
 * Make an element.
 * @param {string} tag
 * @param {Record<string, any>} [properties] `on…`: listeners; `data`: data attributes; false, null: left out; else attributes
 * @param {...(Node|string|number|null|undefined|false|Array<any>)} children
 * @returns {any}
 */
export function h(tag, properties = {}, ...children) {
  /** @type {any} */
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/** @param {Element} element @param {Array<any>} children */
function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Put other children in an element. @param {Element} element @param {...any} children */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/**
 * Call a function once things have been quiet for a while.
 * @param {number} milliseconds @param {() => void} act
 */
export function quietly(milliseconds, act) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, milliseconds);
  };
}

/** Say something in passing, also to screen readers. @param {string} text @param {"info"|"error"} [kind] */
export function say(text, kind = "info") {
  const place = document.getElementById("notices");
  const notice = h("div", { class: `notice ${kind}` }, h("p", {}, text));
  notice.append(h("button", { type: "button", "aria-label": "×", onclick: () => notice.remove() }, "×"));
  place?.append(notice);
  setTimeout(() => notice.remove(), kind === "error" ? 30000 : 12000);
}

/**
 * Ask in a dialog; resolves to whether the person agreed.
 * @param {string} title @param {any} content @param {string} yes @param {string} no
 * @returns {Promise<boolean>}
 */
export function ask(title, content, yes, no) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { "aria-labelledby": "dialog-title" });
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", { id: "dialog-title" }, title),
      content,
      h(
        "p",
        { class: "actions" },
        h("button", { type: "button", onclick: () => dialog.close("") }, no),
        h("button", { class: "primary", value: "yes" }, yes),
      ),
    );
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      dialog.close("yes");
    });
    dialog.append(form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A field with its label. @param {string} label @param {HTMLElement} control @returns {any} */
export function field(label, control) {
  return h("label", { class: "field" }, h("span", {}, label), control);
}

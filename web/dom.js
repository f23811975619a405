// Makes elements. Text reaches the page through text nodes alone, so nothing that the server sends
// is ever read as markup.

/**
 * An element with attributes and children.
 * `on…` attributes are listeners; `false`, `null` and `undefined` leave an attribute out; children
 * that are not nodes become text, and empty ones are left out.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  return show(element, ...children);
}

/** Puts `children` in the place of whatever `element` held. */
export function show(element, ...children) {
  element.replaceChildren(...present(children));
  return element;
}

function present(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false && child !== "")
    .map((child) => (child instanceof Node ? child : String(child)));
}

let serial = 0;
/** An id that no other element of the page has. */
export const uniqueId = (prefix) => `${prefix}-${++serial}`;

/** A labelled input; `attributes` go to the input. */
export function field(label, attributes, hint) {
  const id = uniqueId("field");
  const hintId = hint && `${id}-hint`;
  const input = h("input", { id, "aria-describedby": hintId, ...attributes });
  const wrapper = h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    input,
    hint && h("p", { id: hintId, class: "hint" }, hint),
  );
  return { wrapper, input };
}

/**
 * A disclosure whose content is made when it is first opened: `make(content, again)` fills it, and
 * `again()` has it made anew the next time.
 */
export function disclosure(className, summary, make) {
  const content = h("div", { class: "content" });
  let made = false;
  return h(
    "details",
    {
      class: className,
      ontoggle(event) {
        if (made || !event.currentTarget.open) return;
        made = true;
        make(content, () => {
          made = false;
        });
      },
    },
    h("summary", {}, summary),
    content,
  );
}

let unsaid = null;
/** Says a sentence to people who use a screen reader, without moving the focus; the newest of many. */
export function announce(text) {
  if (unsaid === null) {
    setTimeout(() => {
      document.getElementById("announcements").textContent = unsaid;
      unsaid = null;
    }, 1500);
  }
  unsaid = text;
}

// The query editor: a text area with line numbers, indentation that follows, and completion.

import { h, show, uniqueId } from "./dom.js";
import { complete } from "./language.js";

/** Wires up `area`; `schemaOf()` answers with the `Schema`, or `null` while there is none. */
export function editor(area, schemaOf) {
  const gutter = area.previousElementSibling;
  const popup = completion(area, schemaOf);

  function number() {
    const lines = area.value.split("\n").length;
    gutter.textContent = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
    gutter.scrollTop = area.scrollTop;
  }

  area.addEventListener("input", () => {
    number();
    popup.refresh();
  });
  area.addEventListener("scroll", () => {
    gutter.scrollTop = area.scrollTop;
    popup.close();
  });
  area.addEventListener("blur", popup.close);
  area.addEventListener("keydown", (event) => {
    if (popup.key(event)) return event.preventDefault();
    if ((event.ctrlKey || event.metaKey) && event.code === "Space") {
      event.preventDefault();
      popup.open();
    } else if (
      event.key === "Enter" &&
      !event.ctrlKey &&
      !event.metaKey &&
      !event.shiftKey &&
      !event.isComposing
    ) {
      event.preventDefault();
      breakLine(area);
    }
  });
  number();
  return {
    set(text) {
      area.value = text;
      area.setSelectionRange(0, 0);
      area.dispatchEvent(new Event("input"));
      popup.close();
    },
  };
}

/** Puts `text` in the place of the range, so that Ctrl-Z takes it back where the browser can. */
function replace(area, from, to, text) {
  area.focus();
  area.setSelectionRange(from, to);
  // execCommand is the one way that keeps the undo history of a text area.
  if (!document.execCommand?.("insertText", false, text)) {
    area.setRangeText(text, from, to, "end");
    area.dispatchEvent(new Event("input"));
  }
}

function breakLine(area) {
  const { selectionStart: from, selectionEnd: to, value } = area;
  const before = value.slice(0, from);
  const indent = /[^\n]*$/.exec(before)[0].match(/^ */)[0];
  const opens = /[{([]\s*$/.test(before);
  const closes = /^\s*[})\]]/.test(value.slice(to));
  const inner = `\n${indent}${opens ? "  " : ""}`;
  replace(area, from, to, opens && closes ? `${inner}\n${indent}` : inner);
  if (opens && closes) area.setSelectionRange(from + inner.length, from + inner.length);
}

function completion(area, schemaOf) {
  const id = uniqueId("completions");
  const list = h("ul", {
    class: "completions",
    id,
    role: "listbox",
    "aria-label": "Completions",
    hidden: true,
  });
  area.after(list);
  area.setAttribute("aria-controls", id);
  area.setAttribute("aria-autocomplete", "list");
  let found = { from: 0, items: [] };
  let chosen = 0;

  function close() {
    list.hidden = true;
    area.removeAttribute("aria-activedescendant");
  }

  function open() {
    const schema = schemaOf();
    if (!schema) return close();
    found = complete(area.value, area.selectionStart, schema);
    if (!found.items.length) return close();
    chosen = 0;
    list.hidden = false;
    draw();
    place();
  }

  function draw() {
    show(
      list,
      found.items.map(({ text, detail, description, deprecated }, index) =>
        h(
          "li",
          {
            id: `${id}-${index}`,
            role: "option",
            "aria-selected": index === chosen,
            title: description || null,
            onmousedown(event) {
              event.preventDefault(); // keeps the focus in the text
              chosen = index;
              accept();
            },
          },
          h("b", { class: deprecated ? "old" : null }, text),
          h("span", {}, detail),
        ),
      ),
    );
    area.setAttribute("aria-activedescendant", `${id}-${chosen}`);
    list.children[chosen].scrollIntoView({ block: "nearest" });
  }

  /** Below the word that is typed: the text is monospaced, so its place can be counted. */
  function place() {
    const style = getComputedStyle(area);
    const line = parseFloat(style.lineHeight);
    const before = area.value.slice(0, found.from).split("\n");
    const top = area.offsetTop + parseFloat(style.paddingTop) + before.length * line - area.scrollTop;
    const left =
      area.offsetLeft +
      parseFloat(style.paddingLeft) +
      before.at(-1).length * advance(style) -
      area.scrollLeft;
    const room = area.offsetHeight - top;
    const height = list.offsetHeight;
    list.style.top = `${room < height && top > height + line ? top - line - height : top}px`;
    list.style.left = `${Math.max(0, Math.min(left, area.parentElement.clientWidth - list.offsetWidth))}px`;
  }

  function accept() {
    const item = found.items[chosen];
    close();
    replace(area, found.from, area.selectionStart, item.text);
    close(); // the insertion is an input as well
  }

  return {
    open,
    close,
    refresh: () => !list.hidden && open(),
    /** Whether the popup took the key. */
    key(event) {
      if (list.hidden || event.ctrlKey || event.metaKey) return false;
      const { length } = found.items;
      if (event.key === "ArrowDown") chosen = (chosen + 1) % length;
      else if (event.key === "ArrowUp") chosen = (chosen + length - 1) % length;
      else if (event.key === "Enter" || event.key === "Tab") return (accept(), true);
      else if (event.key === "Escape") return (close(), true);
      else return false;
      draw();
      return true;
    },
  };
}

let measured = null;
/** The width of one character in pixels. */
function advance(style) {
  measured ??= document.createElement("canvas").getContext("2d");
  measured.font = style.font || `${style.fontSize} ${style.fontFamily}`;
  return measured.measureText("m").width;
}

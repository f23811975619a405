// The documentation explorer: every type and field of the schema, to read, click through and
// search.

import { h, show } from "./dom.js";

/** Fills `place` and listens to `search`; `show(schema)` or `say(sentence)`. */
export function explorer(place, search) {
  let schema = null;
  let trail = []; // names of types, the last one being read

  const open = (name) => {
    trail.push(name);
    search.value = "";
    draw();
    place.focus();
  };
  const back = () => {
    trail.pop();
    draw();
    place.focus();
  };

  function draw() {
    place.scrollTop = 0;
    if (!schema) return;
    if (search.value.trim()) return show(place, hits());
    const name = trail.at(-1);
    show(place, name ? [h("p", {}, link("← Back", back)), typePage(schema.type(name))] : start());
  }

  search.addEventListener("input", draw);

  const link = (text, onclick) => h("button", { type: "button", class: "link", onclick }, text);
  const typeLink = (written) => {
    const name = schema.named(written);
    const [before, after] = written.split(name);
    return [before, schema.type(name) ? link(name, () => open(name)) : name, after];
  };

  function start() {
    const roots = Object.entries(schema.roots).filter(([, name]) => name);
    return [
      schema.description && h("p", {}, schema.description),
      h("h3", {}, "Operations"),
      h(
        "ul",
        {},
        roots.map(([kind, name]) =>
          h(
            "li",
            { class: "sig" },
            `${kind}: `,
            link(name, () => open(name)),
          ),
        ),
      ),
      h("h3", {}, "Types"),
      h(
        "ul",
        {},
        schema
          .all()
          .filter(({ name }) => !roots.some(([, root]) => root === name))
          .map(({ name, kind }) =>
            h(
              "li",
              {},
              link(name, () => open(name)),
              " ",
              h("span", { class: "quiet" }, words(kind)),
            ),
          ),
      ),
    ];
  }

  function hits() {
    const found = schema.search(search.value);
    if (!found.length)
      return h("p", { class: "quiet" }, "Nothing in this schema has that name or description.");
    return h(
      "ul",
      {},
      found.map(({ type, member }) =>
        h(
          "li",
          {},
          link(member ? `${type.name}.${member.name}` : type.name, () => open(type.name)),
          h("p", { class: "quiet" }, (member ?? type).description),
        ),
      ),
    );
  }

  function typePage(type) {
    const links = (title, names) =>
      names.length > 0 && [
        h("h3", {}, title),
        h(
          "ul",
          {},
          names.map((name) => h("li", {}, typeLink(name))),
        ),
      ];
    return [
      h("h3", {}, type.name, " ", h("small", {}, words(type.kind))),
      type.description && h("p", {}, type.description),
      type.specifiedBy && h("p", {}, `Specified by ${type.specifiedBy}`),
      members("Fields", type.fields),
      members("Input fields", type.inputFields),
      members("Values", type.enumValues),
      links("Implements", type.interfaces),
      links("Possible types", type.possibleTypes),
    ];
  }

  function members(title, list) {
    return list.length > 0 && [h("h3", {}, title), h("ul", {}, list.map(memberItem))];
  }

  function memberItem(member) {
    return h(
      "li",
      {},
      h("div", { class: "sig" }, signature(member)),
      member.description && h("p", {}, member.description),
      member.deprecated && h("p", { class: "old" }, `Deprecated: ${member.deprecated}`),
      member.args
        .filter(({ description }) => description)
        .map(({ name, description }) => h("p", { class: "quiet" }, h("code", {}, name), `: ${description}`)),
    );
  }

  function signature({ name, type, args, defaultValue }) {
    return [
      h("b", {}, name),
      args.length > 0 && ["(", args.map((arg) => h("span", { class: "inner" }, signature(arg))), ")"],
      type && [": ", typeLink(type)],
      defaultValue !== null && ` = ${defaultValue}`,
    ];
  }

  return {
    show(next) {
      schema = next;
      trail = trail.filter((name) => schema.type(name));
      draw();
    },
    say(sentence) {
      schema = null;
      show(place, h("p", { class: "quiet" }, sentence));
    },
  };
}

const words = (kind) => kind.toLowerCase().replace("_", " ");

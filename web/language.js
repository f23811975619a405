// As much of the GraphQL language as an editor needs: a lexer that never fails, the operations of a
// document, a formatter, and what may be written at a place (completion).

const TOKEN =
  /([ \t\r\n,\uFEFF]+)|(#[^\r\n]*)|("""(?:\\"""|[^])*?(?:"""|$)|"(?:\\.|[^"\\\r\n])*(?:"|$|(?=[\r\n])))|(\.\.\.|[!$&()[\]{}:=@|])|([_A-Za-z][_0-9A-Za-z]*)|(-?[0-9][0-9A-Za-z.+-]*)|([^])/gy;
const KINDS = ["space", "comment", "string", "mark", "name", "number", "other"];

/** Every token with its kind, text and start; joined they give the text back. */
export function lex(text) {
  return Array.from(text.matchAll(TOKEN), (match) => ({
    kind: KINDS[match.slice(1).findIndex((part) => part !== undefined)],
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }));
}

const meaningful = (token) => token.kind !== "space" && token.kind !== "comment";

/** The operations of a document: `{ kind, name, start, end }`. */
export function operations(text) {
  const found = [];
  let depth = 0;
  let current = null;
  let previous = null;
  for (const token of lex(text).filter(meaningful)) {
    if (depth === 0) {
      if (["query", "mutation", "subscription", "fragment"].includes(token.text) && !current) {
        current = { kind: token.text, name: null, start: token.start, end: text.length };
        found.push(current);
      } else if (token.text === "{" && !current) {
        current = { kind: "query", name: null, start: token.start, end: text.length };
        found.push(current);
      } else if (token.kind === "name" && previous && current && previous.start === current.start) {
        current.name = token.text;
      }
    }
    if ("{([".includes(token.text)) depth += 1;
    if ("})]".includes(token.text)) {
      depth = Math.max(0, depth - 1);
      if (depth === 0 && token.text === "}" && current) {
        current.end = token.end;
        current = null;
      }
    }
    previous = token;
  }
  return found.filter((operation) => operation.kind !== "fragment");
}

/** The operation that the place `offset` belongs to, else the first. */
export function operationAt(text, offset) {
  const all = operations(text);
  return all.find(({ start, end }) => offset >= start && offset <= end) ?? all[0] ?? null;
}

/** Lays a document out with two spaces per level; comments stay, arguments keep to their line. */
export function format(text) {
  const lines = [];
  let line = "";
  let depth = 0;
  let inline = 0; // inside ( ) or [ ], where nothing breaks the line
  const flush = () => {
    if (line.trim()) lines.push("  ".repeat(depth) + line.trim());
    line = "";
  };
  const tokens = lex(text).filter((token) => token.kind !== "space");
  tokens.forEach((token, index) => {
    const before = tokens[index - 1];
    const gap = before && text.slice(before.end, token.start);
    const mark = token.text;
    if (token.kind === "comment") {
      if (!gap?.includes("\n") && before) line += line ? ` ${mark}` : mark;
      else {
        flush();
        if (depth === 0 && lines.length && gap?.includes("\n\n")) lines.push("");
        line = mark;
      }
      flush();
    } else if (mark === "{" && !inline) {
      line += line ? " {" : "{";
      flush();
      depth += 1;
    } else if (mark === "}" && !inline) {
      flush();
      depth = Math.max(0, depth - 1);
      line = "}";
      flush();
      if (depth === 0 && index < tokens.length - 1) lines.push("");
    } else {
      if ("([".includes(mark) || (mark === "{" && inline)) inline += 1;
      if (")]".includes(mark) || (mark === "}" && inline)) inline = Math.max(0, inline - 1);
      const field = !inline && depth > 0 && startsSelection(before, token, tokens[index + 1]);
      if (field) flush();
      line += spacing(before, token, line, gap, inline) + mark;
    }
  });
  flush();
  const laidOut = `${lines.join("\n")}\n`;
  // A document that is not well formed may come out different: then it stays as it was.
  return same(text, laidOut) ? laidOut : text;
}

function same(one, other) {
  const words = (text) =>
    lex(text)
      .filter(({ kind }) => kind !== "space")
      .map((token) => token.text.trim());
  return JSON.stringify(words(one)) === JSON.stringify(words(other));
}

function startsSelection(before, token, after) {
  if (!before || before.text === "{" || before.text === "}") return false;
  if (token.text === "...") return true;
  if (token.kind !== "name" || [":", "@", "...", "$", "on"].includes(before.text)) {
    // `on` is a field's name as well, but not right after a spread.
    return token.kind === "name" && before.text === "on" && after?.text !== "{" && after?.text !== "@";
  }
  return true;
}

function spacing(before, token, line, gap, inline) {
  if (!line || !before) return "";
  const tight = ["(", "[", "$", "@", "..."];
  if (before.text === "..." && token.text === "on") return " ";
  if (tight.includes(before.text)) return "";
  if ([")", "]", ":", "!", "("].includes(token.text)) return "";
  if (token.text === "[" && before.kind !== "mark") return " ";
  if (inline && gap?.includes(",") && before.text !== "{") return ", ";
  if (
    inline &&
    ["name", "number", "string"].includes(before.kind) &&
    (token.kind === "name" || token.text === "$")
  )
    return ", ";
  if (inline && before.text === "!" && token.text === "$") return ", ";
  return " ";
}

// ---- completion --------------------------------------------------------------------------------

/**
 * What may be written at `offset`: `{ from, items: [{ text, detail, description, deprecated }] }`,
 * where `from` is the start of the word being typed. `schema` is a `Schema` (schema.js).
 */
export function complete(text, offset, schema) {
  const tokens = lex(text.slice(0, offset));
  const last = tokens.at(-1);
  if (last?.kind === "comment" || (last?.kind === "string" && !closed(last.text))) {
    return { from: offset, items: [] };
  }
  const typing = last?.kind === "name" ? last : null;
  const from = typing ? typing.start : offset;
  const place = walk(tokens.filter(meaningful).slice(0, typing ? -1 : undefined), schema);
  const word = (typing?.text ?? "").toLowerCase();
  const items = candidates(place, text, schema)
    .filter((item) => item.text.toLowerCase().includes(word))
    .sort((a, b) => rank(a, word) - rank(b, word));
  return { from, items };
}

const closed = (string) =>
  string.startsWith('"""')
    ? string.length >= 6 && string.endsWith('"""')
    : /^"(?:\\.|[^"\\])*"$/.test(string);
const rank = (item, word) => (item.text.toLowerCase().startsWith(word) ? 0 : 1);

/** Follows the tokens up to the cursor and answers with the place that they lead to. */
function walk(tokens, schema) {
  // What is open: a selection, arguments, an input object, a list or variable definitions.
  const stack = [];
  let root = null; // the type whose selection the next `{` at the top opens
  let previous = null;
  for (const token of tokens) {
    const frame = stack.at(-1);
    const mark = token.text;
    if (mark === "}" || mark === ")" || mark === "]") {
      stack.pop();
      if (!stack.length) root = null;
      // A closed object or list was a value: what follows it is the next argument.
      if (mark !== ")" && stack.at(-1)?.args) stack.at(-1).current = null;
    } else if (mark === "{") {
      stack.push(opened(frame, root, schema));
    } else if (mark === "[") {
      stack.push({ in: "list", args: null, value: frame?.current?.type ?? frame?.value });
    } else if (mark === "(") {
      stack.push(parenthesis(frame, previous, schema));
    } else if (!frame) {
      if (token.kind === "name") root = rootOf(token.text, previous, root, schema);
    } else if (frame.in === "selection") {
      select(frame, token, previous, schema);
    } else if (frame.args) {
      argument(frame, token, previous);
    }
    previous = token;
  }
  return { frame: stack.at(-1) ?? null, previous, beforePrevious: tokens.at(-2) ?? null };
}

function rootOf(name, previous, root, schema) {
  if (["query", "mutation", "subscription"].includes(name) && previous?.text !== "on") {
    return root ?? schema.roots[name];
  }
  return previous?.text === "on" ? name : root;
}

function opened(frame, root, schema) {
  if (!frame) return selection(root ?? schema.roots.query);
  if (frame.in === "selection") {
    const type = frame.condition ?? frame.field?.type;
    frame.condition = null;
    return selection(type ? schema.named(type) : null);
  }
  const type = schema.type(schema.named(frame.current?.type ?? frame.value ?? ""));
  return { in: "object", args: type?.inputFields ?? [], current: null, used: new Set() };
}

/** `condition` is the type of the fragment that is being opened, `null` outside of one. */
const selection = (type) => ({ in: "selection", type, field: null, condition: null, directive: null });

function parenthesis(frame, previous, schema) {
  if (!frame) return { in: "variables" };
  const directive = frame.directive && schema.directives.get(frame.directive);
  const args = directive ? directive.args : (frame.field?.args ?? []);
  if (frame.in === "selection" && previous?.kind === "name") {
    frame.directive = null;
    return { in: "arguments", args, current: null, used: new Set() };
  }
  return { in: "arguments", args: [], current: null, used: new Set() };
}

function select(frame, token, previous, schema) {
  if (token.kind !== "name") {
    if (token.text === "...") frame.condition = frame.type;
    return;
  }
  if (previous?.text === "@") frame.directive = token.text;
  else if (previous?.text === "on" && frame.condition !== null) frame.condition = token.text;
  else if (previous?.text === "...") frame.condition = token.text === "on" ? frame.type : null;
  else {
    frame.condition = null;
    frame.directive = null;
    frame.field = schema.field(frame.type, token.text);
  }
}

function argument(frame, token, previous) {
  if (token.text === ":" && previous?.kind === "name") {
    frame.current = frame.args.find((candidate) => candidate.name === previous.text) ?? { type: "" };
    frame.used.add(previous.text);
  } else if (frame.current && token.text !== "$") {
    frame.current = null;
  }
}

function candidates({ frame, previous, beforePrevious }, text, schema) {
  if (previous?.text === "@") return [...schema.directives.values()].map(described);
  if (!frame) {
    if (previous?.text === "on") return composite(schema);
    return ["query", "mutation", "subscription", "fragment"].map((word) => ({ text: word, detail: "" }));
  }
  if (frame.in === "variables") {
    if (previous?.text === ":" || (previous?.text === "[" && beforePrevious?.text === ":"))
      return inputs(schema);
    return [];
  }
  if (previous?.text === "on" && beforePrevious?.text === "...") return composite(schema);
  if (frame.in === "selection") {
    if (previous?.text === "...") {
      return [{ text: "on", detail: "inline fragment" }, ...fragments(text)];
    }
    const fields = schema.fields(frame.type).map(described);
    return fields.length || frame.type ? [...fields, { text: "__typename", detail: "String!" }] : [];
  }
  if (previous?.text === "$") return variables(text).map((name) => ({ text: name, detail: "variable" }));
  if (frame.current || frame.in === "list") return values(frame.current?.type ?? frame.value, text, schema);
  return (frame.args ?? []).filter(({ name }) => !frame.used.has(name)).map(described);
}

const described = ({ name, type, description, deprecated }) => ({
  text: name,
  detail: type ?? "",
  description,
  deprecated,
});
const composite = (schema) =>
  schema
    .all()
    .filter(({ kind }) => ["OBJECT", "INTERFACE", "UNION"].includes(kind))
    .map(kinded);
const inputs = (schema) =>
  schema
    .all()
    .filter(({ kind }) => ["SCALAR", "ENUM", "INPUT_OBJECT"].includes(kind))
    .map(kinded);
const kinded = ({ name, kind, description }) => ({ text: name, detail: kind.toLowerCase(), description });
const variables = (text) => [
  ...new Set(Array.from(text.matchAll(/\$([_A-Za-z]\w*)\s*:/g), ([, name]) => name)),
];
const fragments = (text) =>
  Array.from(text.matchAll(/\bfragment\s+(\w+)\s+on\b/g), ([, name]) => ({ text: name, detail: "fragment" }));

function values(type, text, schema) {
  const named = schema.type(schema.named(type ?? ""));
  const own = (named?.enumValues ?? []).map(described);
  if (named?.name === "Boolean") own.push({ text: "true", detail: "" }, { text: "false", detail: "" });
  return [...own, ...variables(text).map((name) => ({ text: `$${name}`, detail: "variable" }))];
}

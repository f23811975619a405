// The schema as introspection tells it, made easy to look things up in.

export const introspectionQuery = `
query Introspection {
  __schema {
    description
    queryType { name }
    mutationType { name }
    subscriptionType { name }
    types {
      kind name description specifiedByURL
      fields(includeDeprecated: true) {
        name description isDeprecated deprecationReason
        args(includeDeprecated: true) { ...Input }
        type { ...Type }
      }
      inputFields(includeDeprecated: true) { ...Input }
      interfaces { name }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      possibleTypes { name }
    }
    directives { name description locations args { ...Input } }
  }
}
fragment Input on __InputValue {
  name description defaultValue isDeprecated deprecationReason type { ...Type }
}
fragment Type on __Type {
  kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name } } }
  } } } }
}`;

/** A type as it is written: `[Control!]!`. */
function written(type) {
  if (type.kind === "NON_NULL") return `${written(type.ofType)}!`;
  if (type.kind === "LIST") return `[${written(type.ofType)}]`;
  return type.name;
}

const member = (raw) => ({
  name: raw.name,
  description: raw.description ?? "",
  deprecated: raw.isDeprecated ? raw.deprecationReason || "deprecated" : "",
  type: raw.type && written(raw.type),
  defaultValue: raw.defaultValue ?? null,
  args: raw.args?.map(member) ?? [],
});

/** Types by name, with types written as text. */
export class Schema {
  #types;

  constructor({ __schema: raw }) {
    this.description = raw.description ?? "";
    this.roots = {
      query: raw.queryType?.name ?? null,
      mutation: raw.mutationType?.name ?? null,
      subscription: raw.subscriptionType?.name ?? null,
    };
    this.#types = new Map(
      raw.types.map((type) => [
        type.name,
        {
          kind: type.kind,
          name: type.name,
          description: type.description ?? "",
          specifiedBy: type.specifiedByURL ?? null,
          fields: type.fields?.map(member) ?? [],
          inputFields: type.inputFields?.map(member) ?? [],
          enumValues: type.enumValues?.map(member) ?? [],
          interfaces: type.interfaces?.map(({ name }) => name) ?? [],
          possibleTypes: type.possibleTypes?.map(({ name }) => name) ?? [],
        },
      ]),
    );
    this.directives = new Map(raw.directives.map((directive) => [directive.name, member(directive)]));
  }

  /** The type of that name, or `undefined`. */
  type(name) {
    return this.#types.get(name);
  }

  /** The name inside `[Control!]!`. */
  named(written) {
    return written.replace(/[[\]!]/g, "");
  }

  /** Every type but those of introspection, by name. */
  all() {
    return [...this.#types.values()]
      .filter(({ name }) => !name.startsWith("__"))
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  /** The fields of an object or interface. */
  fields(typeName) {
    return this.type(typeName)?.fields ?? [];
  }

  field(typeName, name) {
    return this.fields(typeName).find((candidate) => candidate.name === name) ?? null;
  }

  /** Where `text` occurs: types first, then fields, arguments and values; at most `limit` hits. */
  search(text, limit = 60) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return [];
    const hits = [];
    for (const type of this.all()) {
      if (type.name.toLowerCase().includes(wanted)) hits.push({ type, member: null, score: 0 });
      for (const inner of [...type.fields, ...type.inputFields, ...type.enumValues]) {
        if (inner.name.toLowerCase().includes(wanted)) hits.push({ type, member: inner, score: 1 });
        else if (inner.description.toLowerCase().includes(wanted))
          hits.push({ type, member: inner, score: 3 });
      }
      if (!type.name.toLowerCase().includes(wanted) && type.description.toLowerCase().includes(wanted))
        hits.push({ type, member: null, score: 2 });
    }
    return hits.sort((a, b) => a.score - b.score).slice(0, limit);
  }
}

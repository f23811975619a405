//! Random valid operations.

use crate::{
    arguments::Variable,
    merge::separate,
    model::{Model, named},
    random::Random,
};
use graphql_tools::parser::{
    Pos,
    query::{
        Definition, Directive, Document, Field, FragmentDefinition, FragmentSpread, InlineFragment,
        Mutation, OperationDefinition, Query, Selection, SelectionSet, TypeCondition, Value,
        VariableDefinition, parse_query,
    },
    schema,
};
use serde_json::{Map, Value as Json};

pub type Text = String;
pub type Doc = Document<'static, Text>;
pub type Item = Selection<'static, Text>;
pub type Set = SelectionSet<'static, Text>;

/// Names that planners and executors like to use for themselves, and keys of entities.
const ALIASES: [&str; 22] = [
    "id",
    "upc",
    "code",
    "maker",
    "number",
    "title",
    "name",
    "size",
    "price",
    "__typename",
    "typename",
    "_entities",
    "_0",
    "_e0",
    "e0",
    "r0_price",
    "r0k_size",
    "representations",
    "x",
    "author",
    "store",
    "reviews",
];

/// How the names of fields that introspect begin.
pub const INTROSPECTION: &str = "intro";

#[derive(Clone)]
pub struct Operation {
    pub document: Doc,
    pub variables: Map<String, Json>,
}

pub struct Generator<'a> {
    pub model: &'a Model,
    pub random: Random,
    pub variables: Vec<Variable>,
    fragments: Vec<FragmentDefinition<'static, Text>>,
    /// How many more selections there may be.
    left: usize,
    /// Every selection has a number, as its position.
    number: usize,
    /// How often a selection has a condition, in percent.
    conditions: usize,
}

impl Operation {
    pub fn new(model: &Model, seed: u64) -> Operation {
        let mut random = Random::new(seed);
        let left = *random.pick(&[6, 12, 25, 50]);
        let conditions = *random.pick(&[0, 7, 7, 25]);
        let mut generator = Generator {
            model,
            random,
            variables: Vec::new(),
            fragments: Vec::new(),
            left,
            // The parsed fields that introspect have the position 1.
            number: 1,
            conditions,
        };
        generator.operation()
    }

    pub fn text(&self) -> String {
        self.document.to_string()
    }
}

pub fn set(items: Vec<Item>) -> Set {
    SelectionSet { span: (Pos::default(), Pos::default()), items }
}

impl Generator<'_> {
    fn operation(&mut self) -> Operation {
        let is_mutation = self.random.percent(20);
        let mut items = match is_mutation {
            true => (0..=self.random.below(4)).map(|_| self.root_of_mutation()).collect(),
            false => self.selection("Query", 5),
        };
        if !is_mutation && self.random.percent(5) {
            let at = self.random.below(items.len() + 1);
            items.insert(at, self.introspection());
        }
        let mut variables = Map::new();
        let mut definitions = Vec::new();
        for variable in std::mem::take(&mut self.variables) {
            definitions.push(VariableDefinition {
                position: Pos::default(),
                name: variable.name.clone(),
                var_type: variable.ty,
                default_value: variable.default,
            });
            if let Some(value) = variable.value {
                variables.insert(variable.name, value);
            }
        }
        let (position, name) = (Pos::default(), self.random.percent(30).then(|| "Op".to_owned()));
        let (directives, selection_set) = (Vec::new(), set(items));
        let variable_definitions = definitions;
        let operation = match is_mutation {
            true => OperationDefinition::Mutation(Mutation {
                position,
                name,
                variable_definitions,
                directives,
                selection_set,
            }),
            false => OperationDefinition::Query(Query {
                position,
                name,
                variable_definitions,
                directives,
                selection_set,
            }),
        };
        let fragments = std::mem::take(&mut self.fragments).into_iter().map(Definition::Fragment);
        let mut definitions: Vec<_> =
            std::iter::once(Definition::Operation(operation)).chain(fragments).collect();
        if self.random.percent(30) {
            definitions.reverse();
        }
        let mut document = Document { definitions };
        separate(self.model, &mut document);
        Operation { document, variables }
    }

    /// A field, in a fragment now and then. async-graphql runs a field twice that stands in a document
    /// twice, so that no fragment is named here.
    fn root_of_mutation(&mut self) -> Item {
        let field = self.field("Mutation", 4);
        match self.random.percent(15) {
            true => self.inline(Some("Mutation"), vec![field]),
            false => field,
        }
    }

    fn selection(&mut self, ty: &str, depth: usize) -> Vec<Item> {
        let count = 1 + self.random.below(5);
        let mut items: Vec<Item> = Vec::new();
        for _ in 0..count {
            if self.left == 0 && !items.is_empty() {
                break;
            }
            let item = self.item(ty, depth, &items);
            items.push(item);
        }
        items
    }

    fn item(&mut self, ty: &str, depth: usize, before: &[Item]) -> Item {
        self.left = self.left.saturating_sub(1);
        let is_union = self.model.fields(ty).is_empty();
        match self.random.below(100) {
            0..10 => self.typename(),
            10..25 if depth > 0 => self.fragment(ty, depth, false),
            25..35 if depth > 0 => self.fragment(ty, depth, true),
            35..45 if !before.is_empty() => self.again(ty, depth, before),
            _ if is_union && depth > 0 => self.fragment(ty, depth, false),
            _ if is_union => self.typename(),
            _ => self.field(ty, depth),
        }
    }

    /// One of the fields before once more, with another selection that is to be merged into it, or under
    /// another key.
    fn again(&mut self, ty: &str, depth: usize, before: &[Item]) -> Item {
        match self.random.pick(before).clone() {
            Selection::Field(mut field) if field.name != "__typename" => {
                field.position = self.position();
                let definition = self.model.api.field(ty, &field.name).cloned();
                if let Some(definition) = definition
                    && !field.selection_set.items.is_empty()
                {
                    let inner = named(&definition.field_type);
                    field.selection_set = set(self.selection(inner, depth.saturating_sub(1)));
                }
                field.directives = self.conditions();
                if self.random.percent(40) {
                    field.alias = Some((*self.random.pick(&ALIASES)).to_owned());
                }
                Selection::Field(field)
            }
            _ => self.typename(),
        }
    }

    fn position(&mut self) -> Pos {
        self.number += 1;
        Pos { line: self.number, column: 0 }
    }

    fn alias(&mut self) -> Option<Text> {
        self.random.percent(35).then(|| (*self.random.pick(&ALIASES)).to_owned())
    }

    fn typename(&mut self) -> Item {
        Selection::Field(Field {
            position: self.position(),
            alias: self.alias(),
            name: "__typename".to_owned(),
            arguments: Vec::new(),
            directives: self.conditions(),
            selection_set: set(Vec::new()),
        })
    }

    fn field(&mut self, ty: &str, depth: usize) -> Item {
        let model = self.model;
        let all = model.fields(ty);
        let is_leaf = |field: &&schema::Field<'static, Text>| {
            model.possible(named(&field.field_type)).is_empty()
        };
        let mut choices: Vec<_> = all.iter().collect();
        if depth == 0 || self.left == 0 && ty != "Query" && ty != "Mutation" {
            choices.retain(is_leaf);
        }
        let Some(definition) = (!choices.is_empty()).then(|| *self.random.pick(&choices)) else {
            return self.typename();
        };
        let position = self.position();
        let arguments = self.arguments(&definition.arguments);
        let items = match is_leaf(&definition) {
            true => Vec::new(),
            false => self.selection(named(&definition.field_type), depth.saturating_sub(1)),
        };
        Selection::Field(Field {
            position,
            alias: self.alias(),
            name: definition.name.clone(),
            arguments,
            directives: self.conditions(),
            selection_set: set(items),
        })
    }

    /// A type whose objects may be those of another.
    fn overlapping(&mut self, ty: &str) -> String {
        let model = self.model;
        let own = model.possible(ty);
        let fits = |name: &&String| model.possible(name).iter().any(|one| own.contains(one));
        let all: Vec<&String> = model.api.types.keys().filter(fits).collect();
        (*self.random.pick(&all)).clone()
    }

    fn fragment(&mut self, ty: &str, depth: usize, is_named: bool) -> Item {
        if !is_named {
            let on = self.random.percent(80).then(|| self.overlapping(ty));
            let items = self.selection(on.as_deref().unwrap_or(ty), depth.saturating_sub(1));
            return self.inline(on.as_deref(), items);
        }
        let on = self.overlapping(ty);
        let is_on =
            |known: &&FragmentDefinition<'static, Text>| *known.type_condition.as_ref() == on;
        let known = self.fragments.iter().rfind(is_on).map(|known| known.name.clone());
        let name = match known {
            Some(name) if self.random.percent(50) => name,
            _ => {
                let items = self.selection(&on, depth.saturating_sub(1));
                let name = format!("F{}", self.fragments.len());
                let position = self.position();
                self.fragments.push(FragmentDefinition {
                    position,
                    name: name.clone(),
                    type_condition: TypeCondition::On(on),
                    directives: Vec::new(),
                    selection_set: set(items),
                });
                name
            }
        };
        Selection::FragmentSpread(FragmentSpread {
            position: self.position(),
            fragment_name: name,
            directives: self.conditions(),
        })
    }

    fn inline(&mut self, on: Option<&str>, items: Vec<Item>) -> Item {
        Selection::InlineFragment(InlineFragment {
            position: self.position(),
            type_condition: on.map(|on| TypeCondition::On(on.to_owned())),
            directives: self.conditions(),
            selection_set: set(items),
        })
    }

    fn conditions(&mut self) -> Vec<Directive<'static, Text>> {
        let mut names = ["skip", "include"].map(str::to_owned).to_vec();
        names.retain(|_| self.random.percent(self.conditions));
        let mut all = Vec::new();
        for name in names {
            let value = match self.random.percent(70) {
                true => self.condition_variable(),
                false => Value::Boolean((name == "include") == self.random.percent(70)),
            };
            let arguments = vec![("if".to_owned(), value)];
            all.push(Directive { position: Pos::default(), name, arguments });
        }
        all
    }

    fn introspection(&mut self) -> Item {
        let types: Vec<&String> = self.model.api.types.keys().collect();
        let ty = self.random.pick(&types);
        let of = "{ name kind ofType { name kind ofType { name kind ofType { name kind ofType { name kind } } } } }";
        let text = match self.random.below(3) {
            0 => format!(
                "{{ {INTROSPECTION}: __type(name: \"{ty}\") {{ kind name fields {{ name args {{ name type {of} }} type {of} }} }} }}"
            ),
            1 => format!(
                "{{ {INTROSPECTION}: __type(name: \"{ty}\") {{ x: name enumValues {{ name }} possibleTypes {{ name }} \
                 inputFields {{ name type {of} }} }} }}"
            ),
            _ => format!(
                "{{ {INTROSPECTION}: __schema {{ queryType {{ name fields {{ name }} }} mutationType {{ __typename name }} \
                 subscriptionType {{ name }} }} }}"
            ),
        };
        let document = parse_query::<Text>(&text).unwrap().into_static();
        match document.definitions.into_iter().next() {
            Some(Definition::Operation(OperationDefinition::SelectionSet(mut parsed))) => {
                parsed.items.remove(0)
            }
            other => panic!("no selection: {other:?}"),
        }
    }
}

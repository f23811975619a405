//! The operation that the planner gets instead of the client's: fragments and conditions resolved,
//! every selection under its internal response key, what is deferred marked with its fragment.

use super::{aliases::Aliases, document::SelectionSet};
use crate::schema::{FieldDef, TypeSet};
use graphql_tools::parser::query as ast;

type Selections = Vec<ast::Selection<'static, String>>;
type Field = ast::Field<'static, String>;

/// Where in the schema a selection set stands.
struct Scope<'s> {
    /// The type whose fields may be named.
    parent: &'s str,
    /// The types that a value can have here.
    possible: TypeSet,
    /// Whether this or a surrounding selection set is on an abstract type.
    mixed: bool,
}

/// The directive of a field that is deferred.
const DEFERRED: &str = "deferred";

/// The number of the deferred fragment in which a rewritten field is.
pub(crate) fn deferred_in(field: &Field) -> Option<usize> {
    let directive = field.directives.iter().find(|directive| directive.name == DEFERRED)?;
    directive.arguments.iter().find_map(|(_, value)| match value {
        ast::Value::Int(number) => usize::try_from(number.as_i64()?).ok(),
        _ => None,
    })
}

pub(crate) struct Rewriter<'a, 'b> {
    pub(crate) aliases: &'b mut Aliases<'a>,
}

impl<'a> Rewriter<'a, '_> {
    /// The selections of a query's or subscription's root, without what the router answers itself.
    pub(crate) fn root(&mut self, set: &'a SelectionSet, root: &str) -> Selections {
        let schema = self.aliases.schema;
        let scope = Scope { parent: root, possible: schema.possible(root).clone(), mixed: false };
        let mut out = Vec::new();
        self.selections(set, &scope, None, &mut out);
        out.retain(
            |item| !matches!(item, ast::Selection::Field(field) if field.name.starts_with("__")),
        );
        out
    }

    /// One root field of a mutation.
    pub(crate) fn root_field(
        &mut self,
        fields: &[&'a Field],
        root: &str,
        number: usize,
    ) -> Selections {
        let schema = self.aliases.schema;
        let scope = Scope { parent: root, possible: schema.possible(root).clone(), mixed: false };
        let mut out = Vec::new();
        self.aliases.salt = Some(number);
        for field in fields {
            self.field(field, &scope, None, &mut out);
        }
        self.aliases.salt = None;
        out
    }

    /// The selections of a set. `usage` is the deferred fragment in which they are.
    fn selections(
        &mut self,
        set: &'a SelectionSet,
        scope: &Scope<'_>,
        usage: Option<usize>,
        out: &mut Selections,
    ) {
        for item in &set.items {
            match item {
                ast::Selection::Field(field) => {
                    if self.aliases.includes(&field.directives) {
                        self.field(field, scope, usage, out);
                    }
                }
                ast::Selection::InlineFragment(fragment) => {
                    if self.aliases.includes(&fragment.directives) {
                        let condition = fragment
                            .type_condition
                            .as_ref()
                            .map(|ast::TypeCondition::On(name)| name);
                        let usage = self.aliases.defer(&fragment.directives, usage);
                        self.fragment(
                            condition.map(String::as_str),
                            &fragment.selection_set,
                            scope,
                            usage,
                            out,
                        );
                    }
                }
                ast::Selection::FragmentSpread(spread) => {
                    if self.aliases.includes(&spread.directives)
                        && let Some(&fragment) =
                            self.aliases.fragments.get(spread.fragment_name.as_str())
                    {
                        let ast::TypeCondition::On(condition) = &fragment.type_condition;
                        let usage = self.aliases.defer(&spread.directives, usage);
                        self.fragment(Some(condition), &fragment.selection_set, scope, usage, out);
                    }
                }
            }
        }
    }

    fn fragment(
        &mut self,
        condition: Option<&str>,
        set: &'a SelectionSet,
        scope: &Scope<'_>,
        usage: Option<usize>,
        out: &mut Selections,
    ) {
        let schema = self.aliases.schema;
        let condition = match condition {
            Some(condition) if condition != scope.parent => condition,
            _ => return self.selections(set, scope, usage, out),
        };
        let possible = scope.possible.and(schema.possible(condition));
        if possible.is_empty() {
            return;
        }
        let concrete = schema.ty(scope.parent).is_some_and(|parent| !parent.is_abstract());
        if concrete {
            return self.selections(set, scope, usage, out);
        }
        // What can only be one type is said to be that type.
        let mut numbers = possible.iter();
        let parent = match (numbers.next(), numbers.next()) {
            (Some(number), None) => &*schema.objects[number],
            _ => condition,
        };
        let inner = Scope { parent, possible: possible.clone(), mixed: true };
        let mut items = Vec::new();
        self.selections(set, &inner, usage, &mut items);
        push_fragment(parent, items, out);
    }

    fn field(
        &mut self,
        field: &'a Field,
        scope: &Scope<'_>,
        usage: Option<usize>,
        out: &mut Selections,
    ) {
        let schema = self.aliases.schema;
        if field.name == "__typename" {
            out.push(ast::Selection::Field(plain("__typename", usage)));
            return;
        }
        let mut numbers = scope.possible.iter();
        let single = match (numbers.next(), numbers.next()) {
            (Some(number), None) => Some(&*schema.objects[number]),
            _ => None,
        };
        if single.is_none() && scope.mixed && schema.has_conflicting_shapes(&field.name) {
            for number in scope.possible.iter() {
                let object = &*schema.objects[number];
                if let Some(definition) = schema.ty(object).and_then(|ty| ty.field(&field.name)) {
                    let item = self.with_key(field, definition, scope.mixed, usage);
                    push_fragment(object, vec![ast::Selection::Field(item)], out);
                }
            }
            return;
        }
        let owner = single.unwrap_or(scope.parent);
        if let Some(definition) = schema.ty(owner).and_then(|ty| ty.field(&field.name)) {
            let item = self.with_key(field, definition, scope.mixed, usage);
            out.push(ast::Selection::Field(item));
        }
    }

    /// Whether one of the fields that come with the object itself is never null.
    fn has_non_null(&self, ty: &str, items: &Selections, usage: Option<usize>) -> bool {
        let Some(ty) = self.aliases.schema.ty(ty) else {
            return false;
        };
        items.iter().any(|item| match item {
            ast::Selection::Field(field) if deferred_in(field) == usage => {
                field.name == "__typename"
                    || ty.field(&field.name).is_some_and(|field| field.ty.is_non_null())
            }
            _ => false,
        })
    }

    fn with_key(
        &mut self,
        field: &'a Field,
        definition: &FieldDef,
        mixed: bool,
        usage: Option<usize>,
    ) -> Field {
        let schema = self.aliases.schema;
        let arguments = self.aliases.arguments(field);
        let response_key = field.alias.as_ref().unwrap_or(&field.name);
        let alias = self.aliases.alias(definition, response_key, &arguments, mixed);
        let mut rewritten = plain(&field.name, usage);
        rewritten.alias = alias;
        rewritten.arguments = arguments;
        let returned = definition.ty.name();
        if let Some(ty) = schema.ty(returned).filter(|ty| ty.is_composite()) {
            let scope = Scope {
                parent: returned,
                possible: schema.possible(returned).clone(),
                mixed: mixed || ty.is_abstract(),
            };
            let mut items = Vec::new();
            if ty.is_abstract() {
                items.push(ast::Selection::Field(plain("__typename", usage)));
            }
            let salt = self.aliases.salt.take();
            self.aliases.defers.enter(field.alias.as_ref().unwrap_or(&field.name));
            self.selections(&field.selection_set, &scope, usage, &mut items);
            self.aliases.defers.leave();
            self.aliases.salt = salt;
            if !ty.is_abstract() && !self.has_non_null(returned, &items, usage) {
                // The object is an answer even when conditions leave all of its fields out, or when
                // all of them fail: some subgraphs answer an object without fields as null. With a
                // field that is never null among them, null is what the object would become anyway.
                items.push(ast::Selection::Field(plain("__typename", usage)));
            }
            rewritten.selection_set.items = items;
        }
        rewritten
    }
}

fn push_fragment(condition: &str, items: Selections, out: &mut Selections) {
    if items.is_empty() {
        return;
    }
    out.push(ast::Selection::InlineFragment(ast::InlineFragment {
        position: Default::default(),
        type_condition: Some(ast::TypeCondition::On(condition.to_owned())),
        directives: Vec::new(),
        selection_set: selection_set(items),
    }));
}

/// A field, in the deferred fragment of that number: the planner is told by a directive of our own.
fn plain(name: &str, usage: Option<usize>) -> Field {
    let number = usage.and_then(|number| i32::try_from(number).ok());
    let directive = number.map(|number| ast::Directive {
        position: Default::default(),
        name: DEFERRED.to_owned(),
        arguments: vec![("in".to_owned(), ast::Value::Int(number.into()))],
    });
    ast::Field {
        position: Default::default(),
        alias: None,
        name: name.to_owned(),
        arguments: Vec::new(),
        directives: directive.into_iter().collect(),
        selection_set: selection_set(Vec::new()),
    }
}

pub(crate) fn selection_set(items: Selections) -> SelectionSet {
    ast::SelectionSet { span: Default::default(), items }
}

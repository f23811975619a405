//! Turns the planner's plan into the router's own.

use super::{
    aliases::client_variable,
    planner::{PlanError, Supergraph},
    types::{
        EntityFetch, EntityGroup, EntityKey, Fetch, OperationKind, PathStep, Rename, RenameStep,
        Require, Retype, Step, SubgraphOperation, UsedVariable,
    },
};
use crate::data::{Key, KeyTable};
use async_graphql::Name;
use hive_router_query_planner::{
    ast::{
        operation::SubgraphFetchOperation, selection_item::SelectionItem,
        selection_set::SelectionSet,
    },
    planner::plan_nodes::{
        BatchFetchNode, FetchNode, FetchNodePathSegment, FetchRewrite, FlattenNodePath,
        FlattenNodePathSegment, PlanNode, QueryPlan,
    },
    state::supergraph_state::OperationKind as PlannerKind,
};
use std::{collections::BTreeSet, sync::Arc};

/// A converted plan.
pub(crate) enum Planned {
    Steps(Step),
    Subscription(Box<Fetch>, Option<Step>),
}

pub(crate) struct Convert<'a> {
    pub(crate) supergraph: &'a Supergraph,
    pub(crate) keys: &'a mut KeyTable,
}

impl Convert<'_> {
    pub(crate) fn plan(mut self, plan: QueryPlan) -> Result<Planned, PlanError> {
        let Some(node) = plan.node else {
            return Err(PlanError::Unknown("an empty plan".to_owned()));
        };
        match node {
            PlanNode::Subscription(node) => {
                let fetch = self.fetch(node.primary, Vec::new())?;
                Ok(Planned::Subscription(Box::new(fetch), None))
            }
            PlanNode::Sequence(sequence)
                if matches!(sequence.nodes.first(), Some(PlanNode::Subscription(_))) =>
            {
                let mut nodes = sequence.nodes.into_iter();
                let Some(PlanNode::Subscription(first)) = nodes.next() else {
                    return Err(PlanError::Unknown("a subscription without upstream".to_owned()));
                };
                let fetch = self.fetch(first.primary, Vec::new())?;
                let rest = nodes.map(|node| self.step(node)).collect::<Result<Vec<_>, _>>()?;
                Ok(Planned::Subscription(Box::new(fetch), Some(Step::Sequence(rest))))
            }
            node => self.step(node).map(Planned::Steps),
        }
    }

    fn step(&mut self, node: PlanNode) -> Result<Step, PlanError> {
        match node {
            PlanNode::Sequence(sequence) => self.steps(sequence.nodes).map(Step::Sequence),
            PlanNode::Parallel(parallel) => self.steps(parallel.nodes).map(Step::Parallel),
            PlanNode::Fetch(fetch) => Ok(Step::Fetch(Box::new(self.fetch(fetch, Vec::new())?))),
            PlanNode::BatchFetch(batch) => Ok(Step::Entities(Box::new(self.batch(batch)?))),
            PlanNode::Flatten(flatten) => {
                let path = self.path(&flatten.path);
                match *flatten.node {
                    PlanNode::Fetch(fetch) if fetch.requires.is_some() => {
                        Ok(Step::Entities(Box::new(self.entities(fetch, path)?)))
                    }
                    PlanNode::Fetch(fetch) => Ok(Step::Fetch(Box::new(self.fetch(fetch, path)?))),
                    other => Err(PlanError::Unknown(format!("a path before {other}"))),
                }
            }
            PlanNode::Condition(node) => Err(PlanError::Unknown(format!(
                "the condition ${}, though all were resolved",
                node.condition
            ))),
            PlanNode::Subscription(_) => {
                Err(PlanError::Unknown("a subscription inside a plan".to_owned()))
            }
            PlanNode::Defer(_) => Err(PlanError::Unknown("@defer".to_owned())),
        }
    }

    fn steps(&mut self, nodes: Vec<PlanNode>) -> Result<Vec<Step>, PlanError> {
        nodes.into_iter().map(|node| self.step(node)).collect()
    }

    fn subgraph(&self, name: &str) -> Result<usize, PlanError> {
        self.supergraph
            .subgraph_number(name)
            .ok_or_else(|| PlanError::Unknown(format!("the subgraph {name}")))
    }

    fn operation(
        &mut self,
        subgraph: usize,
        kind: Option<PlannerKind>,
        operation: SubgraphFetchOperation,
    ) -> Arc<SubgraphOperation> {
        self.intern_keys(&operation.document.operation.selection_set);
        for fragment in &operation.document.fragments {
            self.intern_keys(&fragment.selection_set);
        }
        let kind = match kind {
            Some(PlannerKind::Mutation) => OperationKind::Mutation,
            Some(PlannerKind::Subscription) => OperationKind::Subscription,
            Some(PlannerKind::Query) | None => OperationKind::Query,
        };
        Arc::new(SubgraphOperation::new(subgraph, kind, operation.document_str))
    }

    fn intern_keys(&mut self, set: &SelectionSet) {
        for item in &set.items {
            match item {
                SelectionItem::Field(field) => {
                    self.keys.intern(field.selection_identifier());
                    self.intern_keys(&field.selections);
                }
                SelectionItem::InlineFragment(fragment) => self.intern_keys(&fragment.selections),
                SelectionItem::FragmentSpread(_) => {}
            }
        }
    }

    fn fetch(&mut self, node: FetchNode, path: Vec<PathStep>) -> Result<Fetch, PlanError> {
        let subgraph = self.subgraph(&node.service_name)?;
        Ok(Fetch {
            operation: self.operation(subgraph, node.operation_kind, node.operation),
            variables: names(node.variable_usages, &[]),
            path,
            output_rewrites: self.renames(node.output_rewrites)?,
        })
    }

    /// A fetch of `_entities` for one path.
    fn entities(&mut self, node: FetchNode, path: Vec<PathStep>) -> Result<EntityFetch, PlanError> {
        let subgraph = self.subgraph(&node.service_name)?;
        let variable = "representations".to_owned();
        let requires = node.requires.unwrap_or_default();
        let group = EntityGroup {
            response_key: self.keys.intern("_entities"),
            paths: vec![path],
            entity_keys: self.entity_keys(&requires, subgraph),
            requires: self.requires(&requires)?,
            retype: self.retype(node.input_rewrites)?,
            output_rewrites: self.renames(node.output_rewrites)?,
            variable: variable.clone(),
        };
        Ok(EntityFetch {
            operation: self.operation(subgraph, node.operation_kind, node.operation),
            variables: names(node.variable_usages, &[variable]),
            groups: vec![group],
        })
    }

    fn batch(&mut self, node: BatchFetchNode) -> Result<EntityFetch, PlanError> {
        let subgraph = self.subgraph(&node.service_name)?;
        let mut groups = Vec::new();
        for alias in node.entity_batch.aliases {
            groups.push(EntityGroup {
                response_key: self.keys.intern(&alias.alias),
                paths: alias.merge_paths.iter().map(|path| self.path(path)).collect(),
                entity_keys: self.entity_keys(&alias.requires, subgraph),
                requires: self.requires(&alias.requires)?,
                retype: self.retype(alias.input_rewrites)?,
                output_rewrites: self.renames(alias.output_rewrites)?,
                variable: alias.representations_variable_name,
            });
        }
        let representations: Vec<String> =
            groups.iter().map(|group| group.variable.clone()).collect();
        Ok(EntityFetch {
            operation: self.operation(subgraph, node.operation_kind, node.operation),
            variables: names(node.variable_usages, &representations),
            groups,
        })
    }

    fn path(&mut self, path: &FlattenNodePath) -> Vec<PathStep> {
        path.as_slice()
            .iter()
            .map(|segment| match segment {
                FlattenNodePathSegment::Field(name) => PathStep::Field(self.keys.intern(name)),
                FlattenNodePathSegment::List => PathStep::List,
                FlattenNodePathSegment::TypeCondition(names) => PathStep::Types(self.types(names)),
            })
            .collect()
    }

    fn types(&self, conditions: &BTreeSet<String>) -> Vec<Arc<str>> {
        let mut types: Vec<Arc<str>> = Vec::new();
        for condition in conditions {
            types.push(condition.as_str().into());
            types.extend(self.supergraph.matching(condition));
        }
        types.sort();
        types.dedup();
        types
    }

    fn requires(&mut self, set: &SelectionSet) -> Result<Vec<Require>, PlanError> {
        set.items
            .iter()
            .map(|item| match item {
                SelectionItem::Field(field) => Ok(Require::Field {
                    // Of an aliased field the planner gives the key to read as its name.
                    read: self.keys.intern(&field.name),
                    write: Name::new(field.selection_identifier()),
                    nested: with_typename(self.requires(&field.selections)?),
                }),
                SelectionItem::InlineFragment(fragment) => Ok(Require::On(
                    self.types(&BTreeSet::from([fragment.type_condition.clone()])),
                    self.requires(&fragment.selections)?,
                )),
                SelectionItem::FragmentSpread(name) => {
                    Err(PlanError::Unknown(format!("the fragment {name} in a representation")))
                }
            })
            .collect()
    }

    fn entity_keys(&self, requires: &SelectionSet, subgraph: usize) -> Vec<EntityKey> {
        let mut all = Vec::new();
        for item in &requires.items {
            let SelectionItem::InlineFragment(fragment) = item else {
                continue;
            };
            for fields in self.supergraph.entity_keys(&fragment.type_condition, subgraph) {
                for ty in self.types(&BTreeSet::from([fragment.type_condition.clone()])) {
                    all.push(EntityKey { ty, fields: fields.clone() });
                }
            }
        }
        all
    }

    fn retype(&self, rewrites: Option<Vec<FetchRewrite>>) -> Result<Vec<Retype>, PlanError> {
        rewrites
            .unwrap_or_default()
            .into_iter()
            .map(|rewrite| match &rewrite {
                FetchRewrite::ValueSetter(setter) => match &setter.path[..] {
                    [
                        FetchNodePathSegment::TypenameEquals(types),
                        FetchNodePathSegment::Key(key),
                    ] if key == "__typename" => {
                        Ok((self.types(types), setter.set_value_to.as_str().into()))
                    }
                    _ => Err(PlanError::Unknown(format!("the rewrite {rewrite:?}"))),
                },
                FetchRewrite::KeyRenamer(_) => {
                    Err(PlanError::Unknown(format!("the rewrite {rewrite:?}")))
                }
            })
            .collect()
    }

    fn renames(&mut self, rewrites: Option<Vec<FetchRewrite>>) -> Result<Vec<Rename>, PlanError> {
        rewrites
            .unwrap_or_default()
            .into_iter()
            .map(|rewrite| match rewrite {
                FetchRewrite::KeyRenamer(renamer) => Ok(Rename {
                    path: renamer
                        .path
                        .iter()
                        .map(|segment| match segment {
                            FetchNodePathSegment::Key(name) => {
                                RenameStep::Key(self.keys.intern(name))
                            }
                            FetchNodePathSegment::TypenameEquals(types) => {
                                RenameStep::Types(self.types(types))
                            }
                        })
                        .collect(),
                    to: self.key(&renamer.rename_key_to),
                }),
                FetchRewrite::ValueSetter(_) => {
                    Err(PlanError::Unknown(format!("the rewrite {rewrite:?}")))
                }
            })
            .collect()
    }

    fn key(&mut self, name: &str) -> Key {
        self.keys.intern(name)
    }
}

/// Where the type of an object decides what is required of it, the subgraph has to know the type: the
/// planner leaves it out.
fn with_typename(mut nested: Vec<Require>) -> Vec<Require> {
    if nested.iter().any(|item| matches!(item, Require::On(..))) {
        let (read, write) = (Key::TYPENAME, Name::new("__typename"));
        nested.insert(0, Require::Field { read, write, nested: Vec::new() });
    }
    nested
}

fn names(usages: Option<BTreeSet<String>>, except: &[String]) -> Vec<UsedVariable> {
    usages
        .unwrap_or_default()
        .into_iter()
        .filter(|name| !except.contains(name))
        .map(|wire| UsedVariable { client: client_variable(&wire).to_owned(), wire })
        .collect()
}

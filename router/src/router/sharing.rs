//! Which clients may share a subscription, and what tells them apart.

use crate::{
    authenticate::Scope,
    plan::types::{FieldKind, Plan},
    transport::{SubgraphRequest, SubgraphVariables},
};
use std::{collections::HashMap, sync::Arc};

/// When a client may join a subscription that another client of the same [`Scope`] has begun.
///
/// What a subscription sends first may depend on when it begins: the present state, or what came
/// after a cursor. Only whoever knows the field can say whether a client that joins later misses it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Until its first event, which is right whatever the field sends.
    #[default]
    FromTheBeginning,
    /// Whenever it comes: it gets the events from then on. For fields that tell what happens and
    /// nothing of what was before.
    AnyTime,
    /// Once both have had the same event. Until then a client follows by itself, so that it gets
    /// what the field sends first. For fields of which each event has a cursor, whose events come in
    /// one order for everybody, and where what follows an event is the same whatever was asked for
    /// at the beginning. A client that does not ask for the cursor joins until the first event.
    AtEvent {
        /// The field with the cursor, of the type that the subscription returns: `Change.cursor`.
        cursor: String,
    },
    /// Never.
    Never,
}

/// How each subscription is shared, by the field of the subscription type, whatever a supergraph calls
/// that type; the others are shared by default.
pub(super) type Sharings = HashMap<String, Sharing>;

impl Sharing {
    /// How clients with this plan share.
    pub(super) fn of(plan: &Plan, sharings: &Sharings) -> Sharing {
        // There is one root field (GraphQL, "Single Root Field").
        let Some(field) = plan.projection.fields.first() else { return Sharing::Never };
        let name = field.coordinate.split_once('.').map_or("", |(_, name)| name);
        let sharing = sharings.get(name).cloned().unwrap_or_default();
        let Sharing::AtEvent { cursor } = &sharing else { return sharing };
        let asked = match &field.kind {
            FieldKind::Object(selection) => selection
                .fields
                .iter()
                .any(|field| *field.coordinate == **cursor && field.only.is_none()),
            _ => false,
        };
        if asked { sharing } else { Sharing::default() }
    }
}

/// Requests with the same key have the same events, whatever is made of them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct UpstreamKey {
    subgraph: usize,
    text: Arc<str>,
    variables: Arc<[u8]>,
    scope: Scope,
}

impl UpstreamKey {
    /// `None` where the variables have no text.
    pub(super) fn new(request: &SubgraphRequest, scope: Scope) -> Option<UpstreamKey> {
        let variables = match &request.variables {
            SubgraphVariables::Json(text) => text.as_slice().into(),
            SubgraphVariables::Values(values) => serde_json::to_vec(values).ok()?.into(),
        };
        let text = request.operation.text.as_str().into();
        Some(UpstreamKey { subgraph: request.operation.subgraph, text, variables, scope })
    }
}

//! Calls subgraphs.

use super::{entities::Representations, run::Execution};
use crate::{
    plan::types::{SubgraphOperation, UsedVariable},
    transport::{Encoding, SubgraphRequest, SubgraphResponse, SubgraphVariables, TransportError},
};
use async_graphql::Name;
use std::sync::Arc;

impl Execution<'_> {
    pub(super) fn encoding(&self, operation: &SubgraphOperation) -> Encoding {
        self.shared.subgraphs[operation.subgraph].transport.encoding()
    }

    pub(super) async fn call(
        &self,
        operation: &Arc<SubgraphOperation>,
        used: &[UsedVariable],
        representations: Vec<(String, Representations)>,
    ) -> Result<SubgraphResponse, TransportError> {
        let request = self.request(operation, used, representations);
        let transport = &self.shared.subgraphs[operation.subgraph].transport;
        match &self.sharer {
            Some(sharer) => sharer.ask(transport, request).await,
            None => transport.execute(request).await,
        }
    }

    pub(crate) fn request(
        &self,
        operation: &Arc<SubgraphOperation>,
        used: &[UsedVariable],
        representations: Vec<(String, Representations)>,
    ) -> SubgraphRequest {
        let given =
            used.iter().filter_map(|used| Some((&used.wire, self.variables.get(&used.client)?)));
        let variables = match self.encoding(operation) {
            Encoding::Json => {
                let mut json = vec![b'{'];
                for (name, values) in &representations {
                    if let Representations::Json(values) = values {
                        member(&mut json, name);
                        json.extend_from_slice(values);
                    }
                }
                for (name, value) in given {
                    member(&mut json, name);
                    // A value always has a JSON form: it was read from JSON or from a literal.
                    if serde_json::to_writer(&mut json, value).is_err() {
                        json.extend_from_slice(b"null");
                    }
                }
                json.push(b'}');
                SubgraphVariables::Json(json)
            }
            Encoding::Values => {
                let mut variables = async_graphql::Variables::default();
                for (name, values) in representations {
                    if let Representations::Values(values) = values {
                        variables.insert(Name::new(name), async_graphql::Value::List(values));
                    }
                }
                for (name, value) in given {
                    variables.insert(Name::new(name), value.clone());
                }
                SubgraphVariables::Values(variables)
            }
        };
        SubgraphRequest { operation: operation.clone(), variables, caller: self.caller.clone() }
    }
}

fn member(json: &mut Vec<u8>, name: &str) {
    if json.len() > 1 {
        json.push(b',');
    }
    crate::data::write_string(name, json);
    json.push(b':');
}

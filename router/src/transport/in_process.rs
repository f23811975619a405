//! Subgraphs in the router's own process: no JSON text is made or parsed between them.

use super::{
    Encoding, SubgraphError, SubgraphPath, SubgraphRequest, SubgraphResponse, SubgraphStream,
    SubgraphTransport, SubgraphVariables, TransportError,
};
use async_graphql::{Data, Executor, PathSegment, Request, Response, ServerError};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};
use std::{fmt, panic::AssertUnwindSafe, sync::Arc};

/// An executable schema; implemented for everything that is an [`async_graphql::Executor`].
pub trait InProcessSchema: Send + Sync + 'static {
    /// Executes a query or mutation.
    fn execute(&self, request: Request) -> BoxFuture<'_, Response>;
    /// Starts a subscription.
    fn subscribe(&self, request: Request) -> BoxStream<'static, Response>;
}

impl<E: Executor> InProcessSchema for E {
    fn execute(&self, request: Request) -> BoxFuture<'_, Response> {
        Box::pin(Executor::execute(self, request))
    }

    fn subscribe(&self, request: Request) -> BoxStream<'static, Response> {
        self.execute_stream(request, None)
    }
}

type Provide = Arc<dyn Fn(&http::Extensions, &mut Data) + Send + Sync>;

/// The transport to a schema in this process.
#[derive(Clone)]
pub struct InProcess {
    schema: Arc<dyn InProcessSchema>,
    provide: Vec<Provide>,
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}

impl InProcess {
    /// A transport to `schema`.
    pub fn new(schema: impl InProcessSchema) -> InProcess {
        InProcess { schema: Arc::new(schema), provide: Vec::new() }
    }

    /// Makes the caller's extension of type `T` available to resolvers as `ctx.data::<T>()`.
    #[must_use]
    pub fn provide<T: Clone + Send + Sync + 'static>(self) -> InProcess {
        self.with_data(|extensions, data| {
            if let Some(value) = extensions.get::<T>() {
                data.insert(value.clone());
            }
        })
    }

    /// Runs `provide` once per request to this subgraph: the place for data loaders, which must not
    /// outlive a request.
    #[must_use]
    pub fn with_data(
        mut self,
        provide: impl Fn(&http::Extensions, &mut Data) + Send + Sync + 'static,
    ) -> InProcess {
        self.provide.push(Arc::new(provide));
        self
    }

    fn request(&self, request: SubgraphRequest) -> Result<Request, TransportError> {
        let document = request.operation.document().ok_or_else(|| {
            TransportError::Protocol("the planned document cannot be parsed".to_owned())
        })?;
        let mut inner = Request::new("");
        inner.set_parsed_query(document.clone());
        inner.variables = match request.variables {
            SubgraphVariables::Values(variables) => variables,
            SubgraphVariables::Json(_) => {
                return Err(TransportError::Protocol("variables came as text".to_owned()));
            }
        };
        for provide in &self.provide {
            provide(&request.caller.extensions, &mut inner.data);
        }
        Ok(inner)
    }
}

#[async_trait::async_trait]
impl SubgraphTransport for InProcess {
    fn encoding(&self) -> Encoding {
        Encoding::Values
    }

    async fn execute(&self, request: SubgraphRequest) -> Result<SubgraphResponse, TransportError> {
        let request = self.request(request)?;
        // A resolver that panics fails its own fetch and nothing else.
        AssertUnwindSafe(self.schema.execute(request))
            .catch_unwind()
            .await
            .map(response)
            .map_err(|_| TransportError::Protocol("a resolver panicked".to_owned()))
    }

    async fn subscribe(&self, request: SubgraphRequest) -> Result<SubgraphStream, TransportError> {
        let request = self.request(request)?;
        let events = AssertUnwindSafe(self.schema.subscribe(request)).catch_unwind();
        Ok(events
            .map(|event| {
                event
                    .map(response)
                    .map_err(|_| TransportError::Protocol("a resolver panicked".to_owned()))
            })
            .boxed())
    }
}

fn response(response: Response) -> SubgraphResponse {
    SubgraphResponse::Values {
        data: response.data,
        errors: response.errors.into_iter().map(error).collect(),
    }
}

fn error(error: ServerError) -> SubgraphError {
    let extensions = match serde_json::to_value(&error.extensions) {
        Ok(serde_json::Value::Object(extensions)) => extensions,
        _ => serde_json::Map::new(),
    };
    SubgraphError {
        message: error.message,
        path: error
            .path
            .into_iter()
            .map(|segment| match segment {
                PathSegment::Field(name) => SubgraphPath::Key(name),
                PathSegment::Index(index) => SubgraphPath::Index(index as u32),
            })
            .collect(),
        extensions,
    }
}

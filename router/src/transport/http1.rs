//! Connections that speak HTTP/1.1 without TLS, driven by whoever asks.
//!
//! hyper's pooled client gives each connection a task of its own, so that a request waits for that task
//! to run twice and is handed over by channels. A router makes many small requests; here a request has a
//! connection to itself until the last byte of the answer and does the connection's work as well.

use super::{TransportError, http_subgraph::error_chain};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header, uri::PathAndQuery};
use http_body_util::Full;
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    client::conn::{TrySendError, http1},
};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use std::{
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{net::TcpStream, time::Instant};
use tower::Service;

/// How long a connection is kept that nobody uses.
pub(super) const IDLE: Duration = Duration::from_secs(60);

/// The connections to one address.
pub(super) struct Connections {
    connector: HttpConnector,
    uri: Uri,
    host: HeaderValue,
    idle: Mutex<Idle>,
}

/// Connections that wait for a request, the one used last at the end.
#[derive(Default)]
struct Idle {
    connections: Vec<(Connection, Instant)>,
    /// Whether a task closes those that wait too long.
    watched: bool,
}

type Driver = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` once it has ended.
    driver: Option<Pin<Box<Driver>>>,
}

/// Does what a connection can do now.
fn work(driver: &mut Option<Pin<Box<Driver>>>, context: &mut Context<'_>) {
    // How it ended, those learn who wait for what it was to bring.
    if driver.as_mut().is_some_and(|driver| driver.as_mut().poll(context).is_ready()) {
        *driver = None;
    }
}

impl Connection {
    /// Whether a request can be sent: it is open, and nothing is left of the request before.
    fn is_free(&self) -> bool {
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Sends a request and waits for the head of its answer.
    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let driver = &mut self.driver;
        poll_fn(|context| {
            // The first time, this hands the request over.
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(answer);
            }
            work(driver, context);
            answer.as_mut().poll(context)
        })
        .await
    }
}

impl Connections {
    /// None yet, to the host of `uri`.
    pub(super) fn new(connector: HttpConnector, uri: &Uri) -> Result<Arc<Connections>, String> {
        let host = uri.authority().map_or("", |authority| authority.as_str());
        // Credentials in an address are not part of the host (RFC 9110, section 7.2).
        let host = host.rsplit('@').next().unwrap_or_default();
        Ok(Arc::new(Connections {
            connector,
            uri: uri.clone(),
            host: HeaderValue::try_from(host).map_err(|error| error.to_string())?,
            idle: Mutex::new(Idle::default()),
        }))
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request to the address and waits for the head of its answer.
    pub(super) async fn request(
        self: &Arc<Self>,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<AnswerBody>, TransportError> {
        let path = self.uri.path_and_query().cloned();
        *request.uri_mut() = path.unwrap_or_else(|| PathAndQuery::from_static("/")).into();
        request.headers_mut().insert(header::HOST, self.host.clone());
        loop {
            let (mut connection, is_new) = match self.take().await {
                Some(connection) => (connection, false),
                None => (self.connect().await?, true),
            };
            match connection.exchange(request).await {
                Ok(response) => {
                    let lease = Some((connection, self.clone()));
                    return Ok(response.map(|incoming| AnswerBody { incoming, lease }));
                }
                // It was closed before any of the request was sent.
                Err(mut error) if !is_new => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(broken(&error.into_error())),
                },
                Err(error) => return Err(broken(&error.into_error())),
            }
        }
    }

    /// A connection that is open and free.
    async fn take(&self) -> Option<Connection> {
        loop {
            let (mut connection, _) = self.idle().connections.pop()?;
            // Whether its other end was closed meanwhile.
            poll_fn(|context| {
                work(&mut connection.driver, context);
                Poll::Ready(())
            })
            .await;
            if connection.is_free() {
                return Some(connection);
            }
        }
    }

    async fn connect(&self) -> Result<Connection, TransportError> {
        let mut connector = self.connector.clone();
        let unreachable =
            |error: &dyn std::error::Error| TransportError::Unreachable(error_chain(error));
        poll_fn(|context| connector.poll_ready(context))
            .await
            .map_err(|error| unreachable(&error))?;
        let stream = connector.call(self.uri.clone()).await.map_err(|error| unreachable(&error))?;
        let (sender, driver) =
            http1::handshake(stream).await.map_err(|error| unreachable(&error))?;
        Ok(Connection { sender, driver: Some(Box::pin(driver)) })
    }

    /// Keeps a connection for the next request.
    fn keep(self: &Arc<Self>, connection: Connection) {
        let mut idle = self.idle();
        idle.connections.push((connection, Instant::now()));
        if !std::mem::replace(&mut idle.watched, true) {
            let connections = Arc::downgrade(self);
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(IDLE).await;
                    let Some(connections) = connections.upgrade() else { return };
                    let mut idle = connections.idle();
                    idle.connections.retain(|(_, since)| since.elapsed() < IDLE);
                    idle.watched = !idle.connections.is_empty();
                    if !idle.watched {
                        return;
                    }
                }
            });
        }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("uri", &self.uri).finish_non_exhaustive()
    }
}

fn broken(error: &hyper::Error) -> TransportError {
    TransportError::Connection(error_chain(error))
}

/// The body of an answer. Who reads it does the work of its connection, if that has no task of its own.
pub(super) struct AnswerBody {
    incoming: Incoming,
    lease: Option<(Connection, Arc<Connections>)>,
}

impl From<Incoming> for AnswerBody {
    fn from(incoming: Incoming) -> AnswerBody {
        AnswerBody { incoming, lease: None }
    }
}

impl AnswerBody {
    /// Gives the connection back once nothing more comes.
    fn release(&mut self, context: &mut Context<'_>) {
        let Some((mut connection, connections)) = self.lease.take() else { return };
        if !connection.is_free() {
            work(&mut connection.driver, context);
        }
        if connection.is_free() {
            connections.keep(connection);
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let mut frame = Pin::new(&mut this.incoming).poll_frame(context);
        if let (Poll::Pending, Some((connection, _))) = (&frame, &mut this.lease) {
            work(&mut connection.driver, context);
            frame = Pin::new(&mut this.incoming).poll_frame(context);
        }
        if matches!(frame, Poll::Ready(None)) || this.incoming.is_end_stream() {
            this.release(context);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

#[cfg(test)]
mod tests;

//! A TCP proxy of the test's own, which breaks connections on demand.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// Passes on what comes; a connection breaks once its allowance of bytes is used up.
#[derive(Clone)]
pub(super) struct Proxy {
    pub(super) endpoint: String,
    /// Bytes that a new connection may bring from the server.
    down: Arc<AtomicI64>,
    /// Bytes that a new connection may take to the server.
    up: Arc<AtomicI64>,
    /// Connections that broke.
    broken: Arc<AtomicUsize>,
}

const PLENTY: i64 = i64::MAX / 2;

impl Proxy {
    /// A proxy before `http://host:port`.
    pub(super) async fn before(server: &str) -> Self {
        let server = server.replace("http://", "");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            down: Arc::new(AtomicI64::new(PLENTY)),
            up: Arc::new(AtomicI64::new(PLENTY)),
            broken: Arc::default(),
        };
        let passing = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                let ((client_in, client_out), (server_in, server_out)) =
                    (client.into_split(), server.into_split());
                let allowed = |bytes: &AtomicI64| bytes.load(Ordering::SeqCst);
                let (up, down) = (allowed(&passing.up), allowed(&passing.down));
                let (one, two) = (passing.clone(), passing.clone());
                // A connection that breaks breaks both ways.
                tokio::spawn(async move {
                    tokio::select! {
                        () = one.pass(client_in, server_out, up) => {}
                        () = two.pass(server_in, client_out, down) => {}
                    }
                });
            }
        });
        proxy
    }

    async fn pass(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut allowed: i64) {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut bytes).await {
            allowed -= length as i64;
            if allowed < 0 {
                self.broken.fetch_add(1, Ordering::SeqCst);
                return;
            }
            if to.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    }

    /// Lets so many bytes come from the server on each new connection.
    pub(super) fn allow_down(&self, bytes: i64) {
        self.down.store(bytes, Ordering::SeqCst);
    }

    /// Lets so many bytes go to the server on each new connection.
    pub(super) fn allow_up(&self, bytes: i64) {
        self.up.store(bytes, Ordering::SeqCst);
    }

    /// How many connections broke.
    pub(super) fn broken(&self) -> usize {
        self.broken.load(Ordering::SeqCst)
    }
}

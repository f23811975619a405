//! A wire that can be cut: a TCP proxy of the test's own between two parts of an installation.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What becomes of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// It arrives.
    Whole,
    /// Connections break, and new ones are refused: the machine is gone.
    Refusing,
    /// Nothing arrives and nobody is told: the network is gone. When it is whole again, what was
    /// sent meanwhile arrives.
    Silent,
}

/// A proxy to an address, which runs as long as this lives.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: watch::Sender<Wire>,
}

impl Proxy {
    /// Leads to `to` from a port of its own.
    pub(crate) fn to(to: SocketAddr) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (state, seen) = watch::channel(Wire::Whole);
        tokio::spawn(listen(TcpListener::from_std(listener).unwrap(), port, to, seen));
        Self { port, state }
    }

    pub(crate) fn set(&self, wire: Wire) {
        self.state.send_replace(wire);
    }
}

/// Accepts until the proxy is dropped. While it refuses nobody listens, as on a machine that is gone.
async fn listen(first: TcpListener, port: u16, to: SocketAddr, mut state: watch::Receiver<Wire>) {
    let mut listener = Some(first);
    loop {
        if *state.borrow_and_update() == Wire::Refusing {
            listener = None;
            if state.changed().await.is_err() {
                return;
            }
            continue;
        }
        let open = match listener.take() {
            Some(open) => open,
            None => TcpListener::bind(("127.0.0.1", port)).await.unwrap(),
        };
        tokio::select! {
            accepted = open.accept() => {
                let (near, _) = accepted.unwrap();
                tokio::spawn(pass(near, to, state.clone()));
            }
            changed = state.changed() => if changed.is_err() { return },
        }
        listener = Some(open);
    }
}

/// Passes on what comes over one connection, in both directions.
async fn pass(near: TcpStream, to: SocketAddr, mut state: watch::Receiver<Wire>) {
    let mut broken = state.clone();
    let passing = async {
        state.wait_for(|wire| *wire == Wire::Whole).await.ok()?;
        let far = TcpStream::connect(to).await.ok()?;
        near.set_nodelay(true).ok()?;
        far.set_nodelay(true).ok()?;
        let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
        let there = copy(from_near, to_far, state.clone());
        tokio::join!(there, copy(from_far, to_near, state.clone()));
        Some(())
    };
    tokio::select! {
        _ = passing => {}
        // Or the proxy is gone.
        _ = broken.wait_for(|wire| *wire == Wire::Refusing) => {}
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<Wire>,
) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut bytes).await.unwrap_or(0);
        if state.wait_for(|wire| *wire == Wire::Whole).await.is_err() {
            return;
        }
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            to.shutdown().await.ok();
            return;
        }
    }
}

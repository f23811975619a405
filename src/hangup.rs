//! SIGHUP, by which an operator asks a server to read again what it may read again.

/// Hears SIGHUP from the moment that it is listened for; until then it ends the process.
#[cfg(unix)]
pub(crate) struct Hangups {
    signal: Option<tokio::signal::unix::Signal>,
    /// Whether the process was started in a terminal.
    terminal: bool,
}

/// What a SIGHUP means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hangup {
    /// Read again.
    Reload,
    /// The terminal in which the process was started is gone: end, as everything in it does.
    TerminalGone,
}

#[cfg(unix)]
impl Hangups {
    pub(crate) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = match signal(SignalKind::hangup()) {
            Ok(signal) => Some(signal),
            Err(error) => {
                tracing::warn!(%error, "SIGHUP cannot be caught");
                None
            }
        };
        Self { signal, terminal: in_a_terminal() }
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Hangup {
        let Some(signal) = &mut self.signal else { return std::future::pending().await };
        if signal.recv().await.is_none() {
            return std::future::pending().await;
        }
        // A terminal that hung up is none any more.
        match self.terminal && !in_a_terminal() {
            true => Hangup::TerminalGone,
            false => Hangup::Reload,
        }
    }
}

#[cfg(unix)]
fn in_a_terminal() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stdin())
}

/// There is no SIGHUP on this system.
#[cfg(not(unix))]
pub(crate) struct Hangups;

#[cfg(not(unix))]
impl Hangups {
    pub(crate) fn listen() -> Self {
        Self
    }

    pub(crate) async fn next(&mut self) -> Hangup {
        std::future::pending().await
    }
}

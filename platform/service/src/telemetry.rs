//! Logs: one line per event, as text for a person or as JSON for a collector. Nothing here or
//! elsewhere logs a token, a password, a document's text or a person's data.

use std::io::IsTerminal as _;

use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogConfig, LogFormat};

/// Says what is wrong with the settings, in a sentence.
pub fn check(config: &LogConfig) -> Result<(), String> {
    filter(config).map(drop)
}

/// Starts logging to standard error. A second call changes nothing.
pub fn init(config: &LogConfig) -> Result<(), String> {
    let registry = tracing_subscriber::registry().with(filter(config)?);
    // Colours are for a terminal, not for a file.
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A logger that is already set belongs to the process that embeds us.
    let _already_set = match config.format {
        LogFormat::Text => registry.with(layer).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
    Ok(())
}

fn filter(config: &LogConfig) -> Result<EnvFilter, String> {
    EnvFilter::try_new(&config.filter).map_err(|error| {
        format!(
            "log.filter \"{}\" is not a filter ({error}): write for example \"info,studio=debug\"",
            config.filter
        )
    })
}

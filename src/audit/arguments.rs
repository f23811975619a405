//! What `studio audit` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, builder::PossibleValuesParser};
use studio_service::config::AuditFormat;

use crate::{
    cli::{Server, Settings},
    stores::SUBGRAPHS,
};

#[derive(Args)]
pub(crate) struct AuditCommand {
    #[command(subcommand)]
    pub(crate) verb: AuditVerb,
}

#[derive(Subcommand)]
pub(crate) enum AuditVerb {
    /// Print the public key that auditors verify with
    Key(Settings),
    /// Sign what the logs are now, and write a tree head of each for auditors to keep
    Head(Heads),
    /// Write the proof that an event is in its log, with what it says
    Inclusion(Inclusion),
    /// Write the proof that a log still begins with all that it was at an earlier size
    Consistency(Consistency),
    /// Verify tree heads and proofs with nothing but these files and the public key
    Verify(Files),
    /// Print the audit log of your organization, one JSON object per line, newest first
    Export(Export),
}

/// How the audit log is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// As the server tells it
    Jsonl,
    /// OCSF 1.5: API Activity and Authentication
    Ocsf,
}

impl From<Format> for AuditFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jsonl => Self::Jsonl,
            Format::Ocsf => Self::Ocsf,
        }
    }
}

#[derive(Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) server: Server,
    /// How each line is written
    #[arg(long, value_enum, default_value = "jsonl")]
    pub(crate) format: Format,
    /// Recorded at this instant or later, such as 2026-01-01T00:00:00Z
    #[arg(long, value_name = "INSTANT")]
    pub(crate) from: Option<String>,
    /// Recorded before this instant
    #[arg(long, value_name = "INSTANT")]
    pub(crate) to: Option<String>,
    /// What the action begins with, such as identity.user.
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Whose doing: usr_…, or the name of a part of Studio
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// The id of what it was done to
    #[arg(long, value_name = "ID")]
    pub(crate) target: Option<String>,
    /// Only of this log
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(SUBGRAPHS))]
    pub(crate) log: Option<String>,
}

/// Where files are written.
#[derive(Args)]
pub(crate) struct Out {
    /// The folder to write into, made if it is not there; no file in it is overwritten
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
}

#[derive(Args)]
pub(crate) struct Heads {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Only of this log [default: of every log that has events]
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(SUBGRAPHS))]
    pub(crate) log: Option<String>,
    #[command(flatten)]
    pub(crate) out: Out,
}

#[derive(Args)]
pub(crate) struct Inclusion {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// The log
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(SUBGRAPHS))]
    pub(crate) log: String,
    #[command(flatten)]
    pub(crate) event: Event,
    /// In the tree of so many events [default: of all that there are]
    #[arg(long, value_name = "EVENTS")]
    pub(crate) size: Option<u64>,
    /// Leave out what the event says: only its hash is proven
    #[arg(long)]
    pub(crate) without_contents: bool,
    #[command(flatten)]
    pub(crate) out: Out,
}

/// Which event.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Event {
    /// The id of the event, evt_…
    #[arg(long, value_name = "ID")]
    pub(crate) event: Option<String>,
    /// The position of the event in the log, from 1
    #[arg(long)]
    pub(crate) position: Option<u64>,
}

#[derive(Args)]
pub(crate) struct Consistency {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// The log
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(SUBGRAPHS))]
    pub(crate) log: String,
    /// How many events the earlier tree head is of
    #[arg(long, value_name = "EVENTS")]
    pub(crate) from: u64,
    /// How many events the later one is of [default: all that there are]
    #[arg(long, value_name = "EVENTS")]
    pub(crate) to: Option<u64>,
    #[command(flatten)]
    pub(crate) out: Out,
}

#[derive(Args)]
pub(crate) struct Files {
    /// The public key of the installation: 64 hexadecimal digits, as `studio audit key` prints them
    #[arg(long, value_name = "PUBLIC_KEY")]
    pub(crate) key: String,
    /// Tree heads and proofs, of any number of logs
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

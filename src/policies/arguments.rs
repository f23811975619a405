//! What `studio policy` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::Settings;

#[derive(Args)]
pub(crate) struct PolicyCommand {
    #[command(subcommand)]
    pub(crate) verb: PolicyVerb,
}

#[derive(Subcommand)]
pub(crate) enum PolicyVerb {
    /// Run every rule whose name begins with test_
    Test {
        #[command(flatten)]
        which: Which,
    },
    /// Print what is decided of an input
    Eval {
        #[command(flatten)]
        which: Which,
        /// The input (JSON), as the rules see it; - reads standard input
        #[arg(long, value_name = "FILE")]
        input: PathBuf,
        /// Print every rule's vote, too
        #[arg(long)]
        explain: bool,
    },
}

/// Which policies: those of the configuration, unless a folder is named.
#[derive(Args)]
pub(crate) struct Which {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// A folder of Rego files that stands beside the policies of Studio
    pub(crate) dir: Option<PathBuf>,
    /// The folder stands in their place
    #[arg(long)]
    pub(crate) replace: bool,
}

//! What the command line takes.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;
use clap::{Args, Parser, Subcommand, builder::PossibleValuesParser};
use serde::Serialize;
use studio_kernel::Timestamp;
use studio_service::Config;

use crate::{
    audit::AuditCommand,
    policies::PolicyCommand,
    rules::{EvidenceCommand, RuleCommand},
    stores::SUBGRAPHS,
};

/// Compliance management with one federated GraphQL API.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run everything in this process, with embedded stores
    Serve(Serve),
    /// Run the router alone, in front of subgraphs that run elsewhere
    Router(Router),
    /// Run one subgraph alone, for routers that run elsewhere
    Subgraph(Subgraph),
    /// Run only what works in the background, on the stores of a server
    Worker(Worker),
    /// Write a whole installation, keyring and all, into a folder, to move it to other stores
    Export(Archive),
    /// Fill empty stores with an installation that was exported
    Import(Archive),
    /// Write a consistent copy into a folder while the server runs; the keyring is not in it
    Backup(Archive),
    /// Fill empty stores with a backup; the keyring must be in its place
    Restore(Archive),
    /// Prove that every log and every blob is as it was recorded, and name what is not
    Verify(Verify),
    /// Write signed tree heads of the logs and proofs for auditors, or verify them
    Audit(AuditCommand),
    /// Print a review of access that is complete, one JSON object per line
    AccessReview(AccessReviewCommand),
    /// List the events that consumers gave up on, or let them take these again
    DeadLetters(DeadLetters),
    /// Check the configuration, or print it
    Config(ConfigCommand),
    /// Run the tests of access policies, or ask them for a decision
    Policy(PolicyCommand),
    /// Print the public schema, or name what a schema changes for the clients of another
    Schema(SchemaCommand),
    /// Replace the master key, or the key that signs access tokens
    Keyring(KeyringCommand),
    /// Make an organization; the server that uses the data folder must be stopped
    Organization(OrganizationCommand),
    /// Let somebody in again; the server that uses the data folder must be stopped
    Account(AccountCommand),
    /// Move the demo's data, or print the scan it is made of
    Demo(Demo),
    /// Sign in to a server; asks for the password, or reads STUDIO_PASSWORD or standard input
    Login(Login),
    /// End the session on the server and forget it here
    Logout(Server),
    /// Show who is signed in, to which organization and server, and until when
    Whoami(Server),
    /// List the projects with their scores
    Projects(Projects),
    /// Bring a Prowler scan (OCSF JSON, also gzip) into a project
    Ingest(Ingest),
    /// Hand JSON evidence in, for rules to look at
    Evidence(EvidenceCommand),
    /// Hold a rule of a test against its cases
    Rule(RuleCommand),
    /// Show a project's scores, at present or as of an instant
    Score(Score),
    /// Follow a project's scores as they move
    Watch(Watch),
    /// Ask a question of the documents
    Ask(Ask),
}

/// Where the configuration comes from; flags win over the environment, which wins over the file.
#[derive(Args, Clone)]
pub(crate) struct Settings {
    /// The configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "STUDIO_CONFIG")]
    config: Option<PathBuf>,
    /// Where embedded stores keep their files
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// The flags that stand for settings.
#[derive(Serialize)]
struct Flags {
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
}

impl Settings {
    /// Reads the configuration; `listen` overrides its setting.
    pub(crate) fn load(&self, listen: Option<SocketAddr>) -> anyhow::Result<Config> {
        let flags = Flags { data_dir: self.data_dir.clone(), listen };
        Config::load(self.config.as_deref(), flags).context("the configuration cannot be used")
    }
}

#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// The address to listen on
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Make an organization with frameworks, controls, documents and a scan, if there is none
    #[arg(long)]
    pub(crate) demo: bool,
}

#[derive(Args)]
pub(crate) struct Router {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Route this federation 2 supergraph instead of Studio's own; each subgraph's address stands
    /// in its @join__graph(url:)
    #[arg(long, value_name = "FILE")]
    pub(crate) supergraph: Option<PathBuf>,
    /// Compose the subgraphs that this file (TOML) names and route them, instead of Studio's own; with
    /// --supergraph, the file says how its subgraphs are reached. It also says what clients share
    #[arg(long, value_name = "FILE")]
    pub(crate) subgraphs: Option<PathBuf>,
    /// Seconds between looks whether the file has changed; 0 looks at it on SIGHUP alone
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub(crate) watch: f64,
    /// The address to listen on
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Args)]
pub(crate) struct Subgraph {
    /// Which one
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(SUBGRAPHS))]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// The address to listen on
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Answer only, and leave the work in the background to other processes
    #[arg(long)]
    pub(crate) standby: bool,
}

#[derive(Args)]
pub(crate) struct Worker {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// The address to listen on, for health checks and metrics
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Leave the blobs out: look at the logs alone
    #[arg(long)]
    pub(crate) no_blobs: bool,
    /// Hold the logs also against this backup or export; give it several times for several
    #[arg(long, value_name = "DIR")]
    pub(crate) against: Vec<PathBuf>,
}

#[derive(Args)]
pub(crate) struct AccessReviewCommand {
    #[command(subcommand)]
    pub(crate) verb: AccessReviewVerb,
}

#[derive(Subcommand)]
pub(crate) enum AccessReviewVerb {
    /// Print what was found and decided: the review, and then a line for each role of each person
    Export(AccessReviewExport),
}

#[derive(Args)]
pub(crate) struct AccessReviewExport {
    #[command(flatten)]
    pub(crate) server: Server,
    /// Which: arv_…
    #[arg(long, value_name = "ID")]
    pub(crate) review: String,
}

#[derive(Args)]
pub(crate) struct DeadLetters {
    #[command(subcommand)]
    pub(crate) verb: DeadLettersVerb,
}

#[derive(Subcommand)]
pub(crate) enum DeadLettersVerb {
    /// Print each with its consumer, where it came from, how often it was tried and why it failed
    List(Settings),
    /// Let the consumers take them again, once the cause is mended
    Redrive(Redrive),
}

#[derive(Args)]
pub(crate) struct Redrive {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Only those of this consumer
    #[arg(long, value_name = "NAME")]
    pub(crate) consumer: Option<String>,
    /// Only the one of this position
    #[arg(long, requires = "consumer")]
    pub(crate) position: Option<i64>,
    /// How long to wait for what becomes of them
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) wait: u64,
}

#[derive(Args)]
pub(crate) struct ConfigCommand {
    #[command(subcommand)]
    pub(crate) verb: ConfigVerb,
}

#[derive(Subcommand)]
pub(crate) enum ConfigVerb {
    /// Name every setting that is wrong and every server that cannot be reached
    Check(Settings),
    /// Print every setting with its value
    Show(Settings),
}

#[derive(Args)]
pub(crate) struct SchemaCommand {
    #[command(subcommand)]
    pub(crate) verb: SchemaVerb,
}

#[derive(Subcommand)]
pub(crate) enum SchemaVerb {
    /// Print the public schema of this Studio
    Print,
    /// Name what breaks, and what may surprise, the clients of a published schema; exits with 1
    /// where something breaks
    Check {
        /// What clients were built on: a public schema, as GET /schema.graphql gives it, or a
        /// supergraph
        #[arg(long, value_name = "FILE")]
        published: PathBuf,
        /// What comes in its place: a public schema or a supergraph [default: this Studio's own]
        #[arg(value_name = "FILE")]
        next: Option<PathBuf>,
    },
    /// Print the supergraph of the subgraphs that a file names: what `studio router --supergraph`, or
    /// another federation 2 router, takes
    Compose {
        /// The file of `studio router --subgraphs`
        #[arg(long, value_name = "FILE")]
        subgraphs: PathBuf,
    },
}

#[derive(Args)]
pub(crate) struct KeyringCommand {
    #[command(subcommand)]
    pub(crate) verb: KeyringVerb,
}

#[derive(Subcommand)]
pub(crate) enum KeyringVerb {
    /// Wrap every key by the master key that is set now; where none is set, make a new one in the
    /// data folder. What the keys encrypt is not touched
    Rotate(Settings),
    /// Let another key sign access tokens. Nobody is signed out; `identity.token_key_days` does it by
    /// itself
    RotateTokens(RotateTokens),
}

#[derive(Args)]
pub(crate) struct RotateTokens {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Destroy the keys before it, where somebody may have them: what they signed is refused, and who
    /// is signed in gets new tokens by refresh
    #[arg(long)]
    pub(crate) now: bool,
}

#[derive(Args)]
pub(crate) struct Archive {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// The folder that the archive is
    #[arg(value_name = "DIR")]
    pub(crate) archive: PathBuf,
}

#[derive(Args)]
pub(crate) struct OrganizationCommand {
    #[command(subcommand)]
    pub(crate) verb: OrganizationVerb,
}

#[derive(Subcommand)]
pub(crate) enum OrganizationVerb {
    /// Make an organization and its owner; asks for the password, or reads STUDIO_PASSWORD or
    /// standard input
    Create {
        #[command(flatten)]
        settings: Settings,
        /// What the organization is called
        #[arg(long)]
        name: String,
        /// What its owner is called
        #[arg(long)]
        owner_name: String,
        /// What the owner signs in with
        #[arg(long)]
        owner_email: String,
    },
    /// List the organizations, each with its id and state
    List {
        #[command(flatten)]
        settings: Settings,
    },
    /// Let nobody of an organization in any more, people and programs; nothing is lost
    Suspend(OneOrganization),
    /// Have an organization only read from now on
    Archive(OneOrganization),
    /// Make a suspended or archived organization active again
    Restore(OneOrganization),
}

/// Which organization.
#[derive(Args)]
pub(crate) struct OneOrganization {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Its id, org_…, as studio organization list prints it
    #[arg(long)]
    pub(crate) organization: String,
}

#[derive(Args)]
pub(crate) struct AccountCommand {
    #[command(subcommand)]
    pub(crate) verb: AccountVerb,
}

#[derive(Subcommand)]
pub(crate) enum AccountVerb {
    /// Give somebody another password and sign them out everywhere; asks for the password, or reads
    /// STUDIO_PASSWORD or standard input
    Recover {
        #[command(flatten)]
        settings: Settings,
        /// What they sign in with
        #[arg(long)]
        email: String,
        /// Take the second factor away too, where the app and the recovery codes are lost
        #[arg(long)]
        remove_second_factor: bool,
    },
}

#[derive(Args)]
pub(crate) struct Demo {
    #[command(subcommand)]
    pub(crate) verb: DemoVerb,
}

#[derive(Subcommand)]
pub(crate) enum DemoVerb {
    /// Print the demo's scan
    Scan {
        /// As it is after a round of fixes
        #[arg(long)]
        mended: bool,
    },
    /// Bring a scan in which problems are mended into the running demo
    Rescan(Settings),
}

/// Which server to talk to. `studio login` remembers it.
#[derive(Args)]
pub(crate) struct Server {
    /// The server's address [default: the one of the last login]
    #[arg(long, value_name = "URL", env = "STUDIO_SERVER")]
    pub(crate) server: Option<String>,
}

#[derive(Args)]
pub(crate) struct Projects {
    #[command(flatten)]
    pub(crate) server: Server,
    /// List archived projects too
    #[arg(long)]
    pub(crate) archived: bool,
}

#[derive(Args)]
pub(crate) struct Login {
    /// The server's address
    #[arg(
        long,
        value_name = "URL",
        env = "STUDIO_SERVER",
        default_value = "http://127.0.0.1:4000"
    )]
    pub(crate) server: String,
    /// The e-mail address of the account; asked for where it is not given
    #[arg(long, conflicts_with = "browser")]
    pub(crate) email: Option<String>,
    /// Sign in with the browser of this computer: by a passkey or a provider, too
    #[arg(long)]
    pub(crate) browser: bool,
    /// Print the address and leave it to you to open it
    #[arg(long, requires = "browser")]
    pub(crate) no_open: bool,
    /// How long to wait for the browser
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 300,
        requires = "browser",
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    pub(crate) wait: u64,
}

#[derive(Args)]
pub(crate) struct Ingest {
    #[command(flatten)]
    pub(crate) server: Server,
    /// The project's id or name
    #[arg(long)]
    pub(crate) project: String,
    /// The scan
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Args)]
pub(crate) struct Score {
    #[command(flatten)]
    pub(crate) server: Server,
    /// The project's id or name
    #[arg(long)]
    pub(crate) project: String,
    /// What was known at this instant (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub(crate) as_of: Option<Timestamp>,
    /// Judge freshness at this instant (RFC 3339); a later one is a forecast
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<Timestamp>,
}

#[derive(Args)]
pub(crate) struct Watch {
    #[command(flatten)]
    pub(crate) server: Server,
    /// The project's id or name
    #[arg(long)]
    pub(crate) project: String,
    /// Go on after this cursor
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<String>,
}

#[derive(Args)]
pub(crate) struct Ask {
    #[command(flatten)]
    pub(crate) server: Server,
    /// Ask only the documents of this project (id or name)
    #[arg(long)]
    pub(crate) project: Option<String>,
    /// The question
    #[arg(value_name = "QUESTION")]
    pub(crate) question: String,
}

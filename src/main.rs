//! The `studio` command: all of Studio in one process, one role of it, or a client of it.

mod app;
mod assemble;
mod audit;
mod audit_stream;
mod ca;
mod cli;
mod client;
mod config;
mod consumers;
mod data_dir;
mod dead_letters;
mod demo;
mod extensions;
mod gateway;
mod hangup;
mod keyring;
mod mail;
mod metrics;
mod organization;
mod pages;
mod panics;
mod policies;
mod process;
mod remote;
mod router_role;
mod rules;
mod schema;
mod serve;
mod standalone;
mod stores;
mod subgraph;
mod told;
mod transfer;
mod verify;
mod wake;
mod watched;
mod worker;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

/// Where memory comes from: much of what Studio does is small texts, made and dropped.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    studio_stores::tls::use_aws_lc_rs();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the async runtime does not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", told::told(&error));
            if error.is::<verify::NotVerified>() {
                return ExitCode::from(verify::NOT_VERIFIED);
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Router(arguments) => router_role::run(arguments).await,
        Command::Subgraph(arguments) => subgraph::run(arguments).await,
        Command::Worker(arguments) => worker::run(arguments).await,
        Command::Export(arguments) => transfer::export(arguments).await,
        Command::Import(arguments) => transfer::import(arguments).await,
        Command::Backup(arguments) => transfer::backup(arguments).await,
        Command::Restore(arguments) => transfer::restore(arguments).await,
        Command::Verify(arguments) => verify::run(arguments).await,
        Command::Audit(arguments) => audit::run(arguments).await,
        Command::AccessReview(arguments) => client::access_review(arguments.verb).await,
        Command::DeadLetters(arguments) => dead_letters::run(arguments.verb).await,
        Command::Config(arguments) => config::run(arguments).await,
        Command::Policy(arguments) => policies::run(arguments),
        Command::Schema(arguments) => schema::run(arguments.verb).await,
        Command::Keyring(arguments) => keyring::run(arguments).await,
        Command::Organization(arguments) => organization::run(arguments.verb).await,
        Command::Account(arguments) => organization::recover(arguments.verb).await,
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Login(arguments) => client::login(arguments).await,
        Command::Logout(arguments) => client::logout(arguments).await,
        Command::Whoami(arguments) => client::whoami(arguments).await,
        Command::Projects(arguments) => client::projects(arguments).await,
        Command::Ingest(arguments) => client::ingest(arguments).await,
        Command::Evidence(arguments) => client::evidence(arguments.verb).await,
        Command::Rule(arguments) => rules::run(arguments),
        Command::Score(arguments) => client::score(arguments).await,
        Command::Watch(arguments) => client::watch(arguments).await,
        Command::Ask(arguments) => client::ask(arguments).await,
    }
}

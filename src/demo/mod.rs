//! The demo: a made-up company with two frameworks, controls, documents and a cloud scan, made
//! through the same public API that any client uses.

mod content;
mod login;
mod scan;
mod seed;

use std::path::Path;

use anyhow::Context;
use studio_kernel::Env;
use studio_sdk::Upload;

pub(crate) use seed::seed;

use crate::{
    cli::{Demo, DemoVerb},
    client,
};

/// `studio demo …`
pub(crate) async fn run(arguments: Demo) -> anyhow::Result<()> {
    match arguments.verb {
        DemoVerb::Scan { mended } => {
            let findings = scan::findings(Env::system().now(), mended);
            println!("{}", serde_json::to_string_pretty(&findings)?);
            Ok(())
        }
        DemoVerb::Rescan(settings) => rescan(&settings.load(None)?.data_dir).await,
    }
}

/// Brings the scan after a round of fixes into the running demo.
async fn rescan(data_dir: &Path) -> anyhow::Result<()> {
    let login = login::read(data_dir)?.with_context(|| {
        format!("{} holds no demo: start one with studio serve --demo", data_dir.display())
    })?;
    let client = login.client().await?;
    let project = client::project(&client, content::PROJECT).await?;
    let findings = serde_json::to_vec(&scan::findings(Env::system().now(), true))?;
    let answer = client.ingest_prowler(&project.id, Upload::Bytes(findings)).await?;
    client::print_run(&answer);
    let project = client::project(&client, content::PROJECT).await?;
    for score in &project.scores {
        println!("{}: {}", score.framework.name, score.headline);
    }
    Ok(())
}

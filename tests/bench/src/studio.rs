//! A server of the built product in an empty folder, set up and signed in.

use std::process::Command;

use anyhow::{Context, ensure};
use studio_sdk::{
    Client,
    operations::{
        AdoptFramework, CreateProject, ImportFramework, SetUp, adopt_framework, create_project,
        import_framework, set_up,
    },
};
use tempfile::TempDir;

use crate::process::{self, Process};

const EMAIL: &str = "owner@example.org";
const PASSWORD: &str = "a long enough password";

pub(crate) struct Studio {
    pub(crate) process: Process,
    pub(crate) client: Client,
    _folder: TempDir,
}

/// Starts it.
pub(crate) async fn start() -> anyhow::Result<Studio> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(process::studio()?);
    command.args(["serve", "--listen", "127.0.0.1:0"]).env("STUDIO_DATA_DIR", folder.path());
    command.env("STUDIO_LOG__FILTER", "warn");
    let (process, line) = Process::start(command, "#setup=")?;
    let address = line.split("http://").nth(1).context("an address")?;
    let (host, token) = address.trim().split_once("/#setup=").context("a token")?;
    let client = Client::new(&format!("http://{host}"))?;
    set_up(&client, token).await?;
    Ok(Studio { process, client, _folder: folder })
}

/// Makes the organization and signs its owner in.
pub(crate) async fn set_up(client: &Client, token: &str) -> anyhow::Result<()> {
    let input = set_up::SetUpInput {
        token: token.to_owned(),
        organization_name: "Bench".to_owned(),
        owner_name: "Bench".to_owned(),
        owner_email: EMAIL.to_owned(),
        password: PASSWORD.to_owned(),
    };
    client.query::<SetUp>(set_up::Variables { input }).await?;
    Ok(client.log_in(EMAIL, PASSWORD).await?)
}

/// Makes a project of that name that has adopted a framework of Studio's own; gives the project's id.
pub(crate) async fn project(client: &Client, name: &str, builtin: &str) -> anyhow::Result<String> {
    let input = create_project::CreateProjectInput { name: name.to_owned() };
    let made = client.query::<CreateProject>(create_project::Variables { input }).await?;
    let problems = made.create_project.user_errors;
    ensure!(problems.is_empty(), "{problems:?}");
    let project = made.create_project.project.context("a project")?.id;
    let input = import_framework::ImportFrameworkInput {
        builtin: Some(builtin.to_owned()),
        document: None,
    };
    let imported = client.query::<ImportFramework>(import_framework::Variables { input }).await?;
    let framework = imported.import_framework.framework.context("a framework")?.id;
    let input = adopt_framework::AdoptFrameworkInput {
        project_id: project.clone(),
        framework_id: framework,
        controls: adopt_framework::AdoptControls::ONE_PER_REQUIREMENT,
        implementation: adopt_framework::ImplementationState::IMPLEMENTED,
    };
    let adopted = client.query::<AdoptFramework>(adopt_framework::Variables { input }).await?;
    let problems = adopted.adopt_framework.user_errors;
    ensure!(problems.is_empty(), "{problems:?}");
    Ok(project)
}

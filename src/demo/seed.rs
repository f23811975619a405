//! Makes the demo's data. Every step looks first at what is there, so that an interrupted start is
//! completed by the next one and a second start changes nothing.

use std::{collections::HashMap, path::Path};

use anyhow::{Context, bail, ensure};
use studio_kernel::Env;
use studio_sdk::{
    Client, Upload,
    operations::{
        AddDependency, AddTest, AdoptFramework, Controls, CreateProject, ImportFramework,
        ProjectDocuments, RecordTestResult, SetUp, UpdateControl, add_dependency, add_test,
        adopt_framework, controls, create_project, import_framework, project_documents,
        record_test_result, set_up, update_control,
    },
};

use super::{
    content,
    login::{self, Login},
    scan,
};
use crate::client;

/// Fails with what a person could mend, which for the demo's own input is a fault of ours.
macro_rules! accept {
    ($payload:expr) => {{
        let payload = $payload;
        let problems: Vec<_> = payload.user_errors.iter().map(|e| e.message.as_str()).collect();
        ensure!(problems.is_empty(), "{}", problems.join("; "));
        payload
    }};
}

/// Makes what is missing on the server at `local` and prints how to use it; `shown` is the address
/// that people use.
pub(crate) async fn seed(
    local: &str,
    shown: &str,
    data_dir: &Path,
    setup: Option<String>,
) -> anyhow::Result<()> {
    let env = Env::system();
    let mut login = match (login::read(data_dir)?, &setup) {
        (Some(mut login), _) => {
            local.clone_into(&mut login.url);
            login
        }
        (None, Some(_)) => Login::new(local, &env),
        (None, None) => bail!(
            "{} holds an organization that is not the demo's: choose another --data-dir",
            data_dir.display()
        ),
    };
    // Written before the account is made: a password that nobody knows would lock the demo.
    login.save(data_dir)?;
    if let Some(token) = setup {
        set_up(&login, token).await?;
    }
    let client = login.client().await?;
    if !login.complete {
        println!("Making the demo's data …");
        fill(&client, &login).await?;
        login.complete = true;
        login.save(data_dir)?;
    }
    print(shown, &login, &client, data_dir).await
}

async fn set_up(login: &Login, token: String) -> anyhow::Result<()> {
    let input = set_up::SetUpInput {
        token,
        organization_name: content::ORGANIZATION.to_owned(),
        owner_name: content::OWNER.to_owned(),
        owner_email: login.email.clone(),
        password: login.password.clone(),
    };
    let client = Client::new(&login.url)?;
    accept!(client.query::<SetUp>(set_up::Variables { input }).await?.set_up);
    Ok(())
}

async fn fill(client: &Client, login: &Login) -> anyhow::Result<()> {
    let project = project(client).await?;
    for builtin in content::FRAMEWORKS {
        adopt(client, &project, builtin).await?;
    }
    let controls = all_controls(client, &project).await?;
    set_states(client, &controls).await?;
    add_dependencies(client, &controls).await?;
    add_manual_tests(client, &controls).await?;
    let there = documents(client, &project).await?;
    for (name, media_type, text) in content::DOCUMENTS {
        if there.iter().any(|document| document.name == *name) {
            continue;
        }
        let bytes = Upload::Bytes(text.as_bytes().to_vec());
        client.upload_document(&project, name, media_type, bytes).await?;
    }
    let findings = serde_json::to_vec(&scan::findings(login.scanned_at, false))?;
    client.ingest_prowler(&project, Upload::Bytes(findings)).await?;
    Ok(())
}

async fn project(client: &Client) -> anyhow::Result<String> {
    let there = client::all_projects(client).await?;
    if let Some(project) = there.into_iter().find(|project| project.name == content::PROJECT) {
        return Ok(project.id);
    }
    let input = create_project::CreateProjectInput { name: content::PROJECT.to_owned() };
    let made = client.query::<CreateProject>(create_project::Variables { input }).await?;
    accept!(made.create_project).project.map(|project| project.id).context("no project was made")
}

async fn documents(
    client: &Client,
    project: &str,
) -> anyhow::Result<Vec<project_documents::ProjectDocumentsDocumentsNodes>> {
    let variables = project_documents::Variables { project_id: project.to_owned(), first: 100 };
    Ok(client.query::<ProjectDocuments>(variables).await?.documents.nodes)
}

async fn adopt(client: &Client, project: &str, builtin: &str) -> anyhow::Result<()> {
    let input = import_framework::ImportFrameworkInput {
        builtin: Some(builtin.to_owned()),
        document: None,
    };
    let imported = client.query::<ImportFramework>(import_framework::Variables { input }).await?;
    let framework = accept!(imported.import_framework)
        .framework
        .with_context(|| format!("{builtin} was not imported"))?;
    let there = client::project(client, project).await?;
    if there.frameworks.iter().any(|adopted| adopted.id == framework.id) {
        return Ok(());
    }
    let input = adopt_framework::AdoptFrameworkInput {
        project_id: project.to_owned(),
        framework_id: framework.id,
        controls: adopt_framework::AdoptControls::ONE_PER_REQUIREMENT,
        implementation: adopt_framework::ImplementationState::IMPLEMENTED,
    };
    accept!(
        client.query::<AdoptFramework>(adopt_framework::Variables { input }).await?.adopt_framework
    );
    Ok(())
}

/// The controls of the project by their code.
type ByCode = HashMap<String, controls::ControlsControlsNodes>;

async fn all_controls(client: &Client, project: &str) -> anyhow::Result<ByCode> {
    let mut found = HashMap::new();
    let mut after = None;
    loop {
        let variables = controls::Variables { project_id: project.to_owned(), first: 100, after };
        let page = client.query::<Controls>(variables).await?.controls;
        found.extend(page.nodes.into_iter().map(|control| (control.code.clone(), control)));
        if !page.page_info.has_next_page {
            return Ok(found);
        }
        after = page.page_info.end_cursor;
    }
}

fn find<'a>(
    controls: &'a ByCode,
    code: &str,
) -> anyhow::Result<&'a controls::ControlsControlsNodes> {
    controls.get(code).with_context(|| format!("the catalogs hold no {code}"))
}

async fn set_states(client: &Client, controls: &ByCode) -> anyhow::Result<()> {
    use update_control::ImplementationState::{PARTIAL, PLANNED};
    let partial = content::PARTIAL.iter().map(|code| (code, PARTIAL));
    let planned = content::PLANNED.iter().map(|code| (code, PLANNED));
    for (code, state) in partial.chain(planned) {
        let control = find(controls, code)?;
        let input = update_control::UpdateControlInput {
            id: control.id.clone(),
            expected_version: control.version,
            title: None,
            description: None,
            implementation: Some(state),
            owner_id: None,
            scope: None,
            review_every_days: None,
        };
        accept!(
            client
                .query::<UpdateControl>(update_control::Variables { input })
                .await?
                .update_control
        );
    }
    Ok(())
}

async fn add_dependencies(client: &Client, controls: &ByCode) -> anyhow::Result<()> {
    use add_dependency::DependencyStrength::{FULL, HALF, WEAK};
    for (code, depends_on, strength) in content::DEPENDENCIES {
        let control = find(controls, code)?;
        let depends_on_id = find(controls, depends_on)?.id.clone();
        if control.dependencies.iter().any(|there| there.depends_on.id == depends_on_id) {
            continue;
        }
        let input = add_dependency::AddDependencyInput {
            control_id: control.id.clone(),
            depends_on_id,
            strength: match *strength {
                "FULL" => FULL,
                "HALF" => HALF,
                _ => WEAK,
            },
        };
        let variables = add_dependency::Variables { input };
        accept!(client.query::<AddDependency>(variables).await?.add_dependency);
    }
    Ok(())
}

async fn add_manual_tests(client: &Client, controls: &ByCode) -> anyhow::Result<()> {
    use record_test_result::TestOutcome::{FAILED, PASSED};
    for (code, title, outcome) in content::MANUAL_TESTS {
        let control = find(controls, code)?;
        let there = control.tests.nodes.iter().find(|test| test.title == *title);
        let test_id = match there {
            Some(test) => test.id.clone(),
            None => add_manual_test(client, &control.id, title).await?,
        };
        let input = record_test_result::RecordTestResultInput {
            test_id,
            outcome: if *outcome == "PASSED" { PASSED } else { FAILED },
            effective_from: None,
            effective_to: None,
            note: None,
            evidence_ids: None,
        };
        let variables = record_test_result::Variables { input };
        accept!(client.query::<RecordTestResult>(variables).await?.record_test_result);
    }
    Ok(())
}

async fn add_manual_test(client: &Client, control: &str, title: &str) -> anyhow::Result<String> {
    let input = add_test::AddTestInput {
        control_id: control.to_owned(),
        title: title.to_owned(),
        check: None,
        weight: 1,
        key: false,
        validity_days: 90,
        method: None,
        procedure: None,
        sign_off: add_test::SignOff::NONE,
    };
    let added = client.query::<AddTest>(add_test::Variables { input }).await?;
    Ok(accept!(added.add_test).test.context("no test was made")?.id)
}

async fn print(shown: &str, login: &Login, client: &Client, data_dir: &Path) -> anyhow::Result<()> {
    let project = client::project(client, content::PROJECT).await?;
    println!();
    println!("  {} · {}", content::ORGANIZATION, project.name);
    for score in &project.scores {
        println!("    {}: {}", score.framework.name, score.headline);
    }
    println!();
    println!("  Page     {shown}/");
    println!("  Console  {shown}/graphql");
    println!("  E-mail   {}", login.email);
    println!("  Password {}", login.password);
    println!();
    println!("  Three queries to try in the console:");
    for (title, query) in content::QUERIES {
        println!("    # {title}");
        println!("    {query}");
    }
    println!();
    // As it was called here: it need not be on the path.
    let studio = std::env::args().next().unwrap_or_else(|| "studio".to_owned());
    println!(
        "  To see the scores move, keep the page open and run: {studio} demo rescan --data-dir {}",
        data_dir.display()
    );
    Ok(())
}

//! `studio config …`: prints the configuration, or says all that is wrong with it: every setting
//! that cannot work, and every server that does not answer. Nothing is written anywhere by it.

use std::{path::Path, time::Duration};

use anyhow::{Context, bail, ensure};
use futures::{FutureExt, future::BoxFuture};
use studio_kernel::Env;
use studio_service::{
    Config,
    config::{AuditStream, KeyringStore, OidcProvider, RemoteSubgraph},
};
use studio_stores::keyring::{KmsMaster, KmsOptions};

use crate::{
    audit_stream,
    cli::{ConfigCommand, ConfigVerb},
    extensions, keyring, mail, policies, stores,
};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Runs the verb.
pub(crate) async fn run(command: ConfigCommand) -> anyhow::Result<()> {
    match command.verb {
        ConfigVerb::Check(settings) => check(&settings.load(None)?).await,
        ConfigVerb::Show(settings) => {
            println!("{}", serde_json::to_string_pretty(&settings.load(None)?)?);
            Ok(())
        }
    }
}

/// Something that the configuration names and that must be there: what it is called, and whether
/// it is.
type Probe<'a> = (String, BoxFuture<'a, anyhow::Result<String>>);

async fn check(config: &Config) -> anyhow::Result<()> {
    let probes = probes(config);
    let asked = probes.into_iter().map(|(setting, probe)| async move {
        let answer = tokio::time::timeout(PATIENCE, probe).await;
        let silent = || anyhow::anyhow!("no answer within {} s", PATIENCE.as_secs());
        (setting, answer.unwrap_or_else(|_| Err(silent())))
    });
    let mut wrong = 0;
    for (setting, answer) in futures::future::join_all(asked).await {
        match answer {
            Ok(found) => println!("ok      {setting}: {found}"),
            Err(error) => {
                wrong += 1;
                let told = crate::told::told(&error);
                // Some errors name the setting by themselves.
                let told = told.strip_prefix(&format!("{setting}: ")).unwrap_or(&told);
                println!("WRONG   {setting}: {told}");
            }
        }
    }
    ensure!(wrong == 0, "{wrong} of what the configuration names cannot be used");
    println!("The configuration is in order.");
    Ok(())
}

fn probes(config: &Config) -> Vec<Probe<'_>> {
    let mut probes: Vec<Probe<'_>> = vec![("data_dir".to_owned(), data_dir(config).boxed())];
    let named = &config.stores;
    if named.sql.is_some() {
        probes.push(("stores.sql".to_owned(), sql(config).boxed()));
    }
    if named.sql_replica.is_some() {
        probes.push(("stores.sql_replica".to_owned(), replica(config).boxed()));
    }
    if let Some(kms) = keyring::kms(config) {
        probes.push(("stores.kms".to_owned(), key_service(kms).boxed()));
    } else if stores::keyring_store(config) == KeyringStore::Sql
        || std::env::var_os(keyring::MASTER).is_some()
    {
        probes.push((keyring::MASTER.to_owned(), master(config).boxed()));
    }
    if named.redis.is_some() {
        probes.push(("stores.redis".to_owned(), redis(config).boxed()));
    }
    if named.graph.is_some() {
        probes.push(("stores.graph".to_owned(), graph(config).boxed()));
    }
    if stores::in_a_bucket(config) {
        probes.push(("stores.s3".to_owned(), bucket(config).boxed()));
    }
    if config.mail.host.is_some() {
        probes.push(("mail.host".to_owned(), mail_server(config).boxed()));
    }
    for settings in &config.oidc {
        probes.push((format!("oidc \"{}\"", settings.name), provider(settings).boxed()));
    }
    if let Some(folder) = &config.policy.bundle {
        probes.push(("policy.bundle".to_owned(), rules(folder, config).boxed()));
    }
    if let Some(stream) = &config.audit.stream {
        probes.push(("audit.stream".to_owned(), siem(stream, config).boxed()));
    }
    for (name, addresses) in config.cluster.addresses.all() {
        for address in addresses {
            let setting = format!("cluster.addresses.{name}");
            probes.push((setting, replica_of(address).boxed()));
        }
    }
    for settings in &config.extensions.subgraphs {
        let setting = format!("extensions.subgraphs \"{}\"", settings.name);
        probes.push((setting, extension(settings).boxed()));
    }
    probes
}

async fn extension(settings: &RemoteSubgraph) -> anyhow::Result<String> {
    extensions::probe(settings).await?;
    Ok(format!("{} has a schema that extends Studio's", settings.url))
}

/// The folder itself is made at the first start, and looked into only by the process that has it.
async fn data_dir(config: &Config) -> anyhow::Result<String> {
    let folder = std::path::absolute(&config.data_dir)?;
    let existing = folder.ancestors().find(|folder| folder.exists());
    let existing = existing.context("no folder above it exists")?;
    ensure!(existing.is_dir(), "{} is no folder", existing.display());
    tempfile::tempfile_in(existing)
        .with_context(|| format!("{} cannot be written to", existing.display()))?;
    Ok(folder.display().to_string())
}

async fn rules(folder: &Path, config: &Config) -> anyhow::Result<String> {
    let files = policies::probe(folder, &config.policy)?;
    Ok(format!("{} can be used: {files} files decide then", folder.display()))
}

async fn siem(stream: &AuditStream, config: &Config) -> anyhow::Result<String> {
    audit_stream::probe(stream, config).await?;
    Ok("it can be reached".to_owned())
}

async fn sql(config: &Config) -> anyhow::Result<String> {
    let wanted = stores::enough_connections(config, stores::SUBGRAPHS.len()).await?;
    Ok(format!("it answers, and gives the {wanted} connections of a process with every subgraph"))
}

async fn replica(config: &Config) -> anyhow::Result<String> {
    let database = stores::without_schema(config, true).await?;
    database.close().await.context("the connection does not close")?;
    Ok("it answers, and is a standby of stores.sql".to_owned())
}

async fn master(config: &Config) -> anyhow::Result<String> {
    match keyring::elsewhere(config, Env::system()).await? {
        Some(_) => Ok("it is a key".to_owned()),
        None => bail!("it is not set: processes that share stores.sql share a master key, too"),
    }
}

async fn key_service(options: KmsOptions) -> anyhow::Result<String> {
    KmsMaster::connect(options).await?;
    Ok("the key is there and enabled".to_owned())
}

async fn redis(config: &Config) -> anyhow::Result<String> {
    stores::redis(config).await?;
    Ok("it answers".to_owned())
}

async fn mail_server(config: &Config) -> anyhow::Result<String> {
    mail::probe(config).await?;
    Ok("it answers, and lets Studio in".to_owned())
}

async fn provider(settings: &OidcProvider) -> anyhow::Result<String> {
    let asked = studio_identity::probe_provider(settings, &Env::system()).await;
    asked.map_err(anyhow::Error::msg)?;
    Ok(format!("{} answers, and names itself as the settings do", settings.issuer))
}

async fn graph(config: &Config) -> anyhow::Result<String> {
    stores::probe_graph(config).await?;
    Ok("it answers".to_owned())
}

async fn bucket(config: &Config) -> anyhow::Result<String> {
    stores::bucket(config, "config-check", None, Env::system()).await?;
    Ok(format!("the bucket \"{}\" can be listed", config.stores.s3.bucket))
}

/// A replica that starts is not ready yet, but it is there.
async fn replica_of(address: &str) -> anyhow::Result<String> {
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let url = format!("{}/health/ready", address.trim_end_matches('/'));
    let answer = client.get(&url).send().await.map_err(reqwest::Error::without_url);
    let status = answer.with_context(|| format!("{address} does not answer"))?.status();
    match status.as_u16() {
        200 => Ok(format!("{address} is ready")),
        503 => Ok(format!("{address} answers, and is not ready yet")),
        other => bail!("{address} answers {other} to GET /health/ready: is it a subgraph's?"),
    }
}

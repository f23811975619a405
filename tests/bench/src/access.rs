//! What stands before every request: an access token, a decision of the policies, and a sign-in.

use std::{
    fmt::Debug,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use argon2::{Algorithm, Argon2, Params, Version};
use async_graphql::{Request, Variables};
use sea_orm_migration::MigratorTrait;
use serde_json::{Value, json};
use studio_access::{ACTIONS, Policy, Resource};
use studio_events::Leadership;
use studio_identity::{NewOrganization, TokenVerifier};
use studio_kernel::{Actor, Env, Role};
use studio_service::{Config, Deps, GraphQlService, notices::Notices};
use studio_stores::{
    blobs::DirectoryBlobs,
    graph::PetGraph,
    keyring::Keyring,
    limits::InProcessLimits,
    sql::{Database, SqlOptions},
};
use tokio_util::sync::CancellationToken;

/// Rounds over everything that can be asked, once it was answered before.
const ROUNDS: usize = 200;
const CHECKS: usize = 20_000;
const SIGN_INS: usize = 40;

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "difference engine no 2";
const LOG_IN: &str = "mutation($input: LogInInput!) { logIn(input: $input) { accessToken } }";

pub(crate) async fn run() -> anyhow::Result<()> {
    let env = Env::system();
    println!("\n## Access\n\n| | p50 µs | p99 µs |\n|---|---|---|");
    decisions(&env)?;
    let folder = tempfile::tempdir()?;
    let (graphql, verifier) = identity(folder.path(), &env).await?;
    let mut sign_ins = Vec::new();
    let mut token = String::new();
    for _ in 0..SIGN_INS {
        let began = Instant::now();
        token = sign_in(&*graphql).await?;
        sign_ins.push(began.elapsed());
    }
    tokens(&graphql, &verifier, &token).await?;
    row("argon2id alone (19 MiB, two passes)", argon2_alone()?);
    row("a sign-in", sign_ins);
    Ok(())
}

fn row(name: &str, mut samples: Vec<Duration>) {
    samples.sort_unstable();
    let [p50, p99] =
        [0.5, 0.99].map(|share| crate::percentile(&samples, share).as_secs_f64() * 1e6);
    println!("| {name} | {p50:.2} | {p99:.2} |");
}

fn timed<T: Debug>(mut run: impl FnMut() -> T) -> Duration {
    let began = Instant::now();
    black_box(run());
    began.elapsed()
}

/// Every role asks for every action, on everything that a thing can be to somebody.
fn decisions(env: &Env) -> anyhow::Result<()> {
    let policy = Policy::embedded()?.with_clock(env.clone());
    let tenant = env.id();
    let people: Vec<_> = Role::ALL
        .into_iter()
        .map(|role| Actor::user(tenant, env.id(), env.id(), vec![role]))
        .collect();
    let thing = Resource::any("Thing", tenant);
    let round = |samples: &mut Vec<Duration>| {
        for actor in &people {
            let own = actor.user_id().map(|user| thing.clone().owned_by(user));
            for action in ACTIONS {
                for resource in [&thing].into_iter().chain(&own) {
                    samples.push(timed(|| policy.decide(actor, action.name, resource)));
                }
            }
        }
    };
    let (mut first, mut again) = (Vec::new(), Vec::new());
    round(&mut first);
    for _ in 0..ROUNDS {
        round(&mut again);
    }
    row("a decision, evaluated", first);
    row("a decision, kept", again);
    Ok(())
}

/// The check of a token that was not seen before, and of one that was.
async fn tokens(
    graphql: &Arc<dyn GraphQlService>,
    verifier: &TokenVerifier,
    token: &str,
) -> anyhow::Result<()> {
    let mut first = Vec::new();
    for _ in 0..SIGN_INS {
        let token = sign_in(&**graphql).await?;
        first.push(timed(|| verifier.verify(&token)));
    }
    row("a token, for the first time", first);
    verifier.verify(token)?;
    row("a token, again", (0..CHECKS).map(|_| timed(|| verifier.verify(token))).collect());
    Ok(())
}

async fn sign_in(graphql: &dyn GraphQlService) -> anyhow::Result<String> {
    let variables = json!({ "input": { "email": EMAIL, "password": PASSWORD } });
    let request = Request::new(LOG_IN).variables(Variables::from_json(variables));
    let answer = serde_json::to_value(graphql.execute(request).await)?;
    let token = answer.pointer("/data/logIn/accessToken").and_then(Value::as_str);
    token.map(str::to_owned).with_context(|| format!("no sign-in: {answer}"))
}

fn argon2_alone() -> anyhow::Result<Vec<Duration>> {
    let params = Params::new(19_456, 2, 1, None).map_err(anyhow::Error::msg)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut samples = Vec::new();
    for _ in 0..SIGN_INS {
        let mut hash = [0_u8; 32];
        let began = Instant::now();
        argon2
            .hash_password_into(PASSWORD.as_bytes(), &[7; 16], &mut hash)
            .map_err(anyhow::Error::msg)?;
        samples.push(began.elapsed());
        black_box(hash);
    }
    Ok(samples)
}

/// The identity subgraph on embedded stores, with one organization.
async fn identity(
    folder: &std::path::Path,
    env: &Env,
) -> anyhow::Result<(Arc<dyn GraphQlService>, TokenVerifier)> {
    let url = format!("sqlite://{}", folder.join("identity.db").display());
    let database = Database::connect(&url, SqlOptions::default()).await?;
    studio_migrations::identity::Migrator::up(database.writer(), None).await?;
    let deps = Deps {
        env: env.clone(),
        database,
        keyring: Arc::new(Keyring::embedded(&folder.join("keyring"), env.clone()).await?),
        policy: Arc::new(Policy::embedded()?),
        notices: Notices::new(env.clone()),
        graph: Arc::new(PetGraph::new()),
        blobs: Arc::new(DirectoryBlobs::open(folder.join("blobs"))?),
        config: Arc::new(Config::default()),
        leadership: Leadership::default(),
        shutdown: CancellationToken::new(),
        drained: CancellationToken::new(),
    };
    let limits = Arc::new(InProcessLimits::new(env.clone()));
    let (subgraph, identity) = studio_identity::build(deps, limits, None).await?;
    let new = NewOrganization {
        name: "Analytical Engines".into(),
        owner_name: "Ada Lovelace".into(),
        owner_email: EMAIL.into(),
        password: PASSWORD.to_owned().into(),
    };
    let founded = identity.create_organization(new).await;
    founded.map_err(|refused| anyhow::anyhow!("no organization: {refused:?}"))?;
    Ok((subgraph.graphql, identity.verifier()))
}

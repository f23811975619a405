//! A standby answers queries of a cluster, and hides nothing from whoever wrote: at the same router,
//! whatever the client says, and at another one, where the client says what it has seen.

use sea_orm_migration::sea_orm::{
    ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement,
};
use serde_json::{Value, json};
use studio_sdk::Client;

use crate::{
    services::OwnServers,
    support::{Installation, Shape, Stores, create_project, query, until},
};

const PROJECTS: &str = "{ projects(first: 100) { nodes { name } } }";

async fn names(client: &Client) -> Vec<String> {
    let data = query(client, PROJECTS, json!({})).await;
    let nodes = data["projects"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
}

/// As a client that knows nothing of positions.
async fn names_plainly(client: &Client) -> Vec<String> {
    let tokens = client.tokens().unwrap();
    let answer = reqwest::Client::new()
        .post(format!("{}/graphql", client.url()))
        .bearer_auth(tokens.access)
        .json(&json!({ "query": PROJECTS }))
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    let nodes = answer["data"]["projects"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
}

/// How often the standby was asked for projects.
async fn asked(standby: &DatabaseConnection) -> i64 {
    let sql = "SELECT COALESCE(sum(seq_scan + COALESCE(idx_scan, 0)), 0)::bigint \
               FROM pg_stat_user_tables WHERE relname = 'controls_projects'";
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = standby.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_answers_and_hides_nothing_from_who_wrote() {
    let Some(own) = OwnServers::start("postgres", "STUDIO_TEST_POSTGRES") else { return };
    let stores = Stores::in_database_of(own.variable("STUDIO_TEST_POSTGRES"));
    let url = stores.at(&own.variable("STUDIO_TEST_POSTGRES_REPLICA"));
    let standby =
        until("the database on the standby", async || Database::connect(&url).await.ok()).await;
    let installation = Installation::on(Shape::Cluster, Some(stores))
        .with_setting("STUDIO_STORES__SQL_REPLICA", &url);
    let (server, client) = installation.set_up().await;
    let elsewhere = client.at(&server.urls[1]).unwrap();

    create_project(&client, "First").await;
    let before = asked(&standby).await;
    until("the standby to be asked", async || {
        assert_eq!(names(&client).await, ["First"]);
        (asked(&standby).await > before).then_some(())
    })
    .await;

    standby.execute_unprepared("SELECT pg_wal_replay_pause()").await.unwrap();
    let mut all = vec!["First".to_owned()];
    for round in 0..10 {
        let name = format!("Round {round}");
        create_project(&client, &name).await;
        all.push(name);
        for _ in 0..4 {
            for mut seen in
                [names(&client).await, names(&elsewhere).await, names_plainly(&client).await]
            {
                seen.sort();
                assert_eq!(seen, all);
            }
        }
    }
    standby.execute_unprepared("SELECT pg_wal_replay_resume()").await.unwrap();

    let wrong = reqwest::Client::new()
        .post(format!("{}/graphql", client.url()))
        .header("Studio-Positions", "controls")
        .json(&json!({ "query": PROJECTS }))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 400);
    let said: Value = wrong.json().await.unwrap();
    assert_eq!(said["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{said}");
    standby.close().await.unwrap();
    server.stop();
}

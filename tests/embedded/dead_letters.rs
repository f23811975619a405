//! An event that really fails becomes a dead letter, which an operator lists and lets be taken again.

use std::{
    process::Output,
    time::{Duration, Instant},
};

use sea_orm_migration::sea_orm::ConnectionTrait as _;
use serde_json::json;
use studio_events::{
    Append, EventData, EventStore, EventStoreOptions, Expected, Metadata, StreamAppend,
};
use studio_kernel::{
    Env, Id, Payload, TenantId, kind,
    published::{controls::ProjectCreated, evidence::CheckResultsRecorded},
};

use crate::support::{Installation, Shape, number, query, store, until};

/// Runs `studio dead-letters …`: whether it went well, and everything that it says.
fn dead_letters(installation: &Installation, more: &[&str]) -> (bool, String) {
    let arguments: Vec<&str> = ["dead-letters"].iter().chain(more).copied().collect();
    let Output { status, stdout, stderr } = installation.command(&arguments).output().unwrap();
    let said = [stdout, stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(!said.contains("panicked"), "{said}");
    (status.success(), said)
}

/// Records an event in a log that no server uses. Answers its position.
async fn record<P: Payload>(
    installation: &Installation,
    log: &'static str,
    tenant: TenantId,
    (stream_type, stream_id): (&'static str, String),
    payload: &P,
) -> i64 {
    let database = store(installation, log).await;
    let options = EventStoreOptions::new(database.clone(), log, Env::system());
    let events = EventStore::open(options).await.unwrap();
    let stream = StreamAppend {
        stream_type: stream_type.into(),
        stream_id,
        expected: Expected::NoStream,
        events: vec![EventData {
            event_type: P::TYPE.into(),
            schema_version: P::VERSION,
            payload: serde_json::to_value(payload).unwrap().into(),
        }],
    };
    let append = Append::new(tenant, Metadata::system("test"), vec![stream]);
    let position = events.append(append).await.unwrap()[0].position;
    events.shutdown().await;
    database.close().await.unwrap();
    position
}

#[tokio::test]
async fn an_event_that_fails_is_listed_and_taken_again_once_it_is_mended() {
    let installation = Installation::of(Shape::Embedded);
    let (server, client) = installation.set_up().await;
    let own = query(&client, "{ organization { id } }", json!({})).await;
    let tenant: TenantId = own["organization"]["id"].as_str().unwrap().parse().unwrap();
    server.stop();
    let (well, said) = dead_letters(&installation, &["list"]);
    assert!(well && said.contains("No dead letters."), "{said}");
    assert!(dead_letters(&installation, &["redrive"]).1.contains("No dead letters."));

    // Results of a project that there is not.
    let env = Env::system();
    let project: Id<kind::Project> = env.id();
    let run: Id<kind::IngestRun> = env.id();
    let results = CheckResultsRecorded {
        project,
        run,
        evidence: env.id(),
        evidence_version: 1,
        evidence_hash: "a".repeat(64),
        uploaded_by: None,
        summaries: Vec::new(),
    };
    let stream = ("evidence.test", run.to_string());
    let position = record(&installation, "evidence", tenant, stream, &results).await;
    let server = installation.start();
    let listed = until("the dead letter", || async {
        let (well, said) = dead_letters(&installation, &["list"]);
        assert!(well, "{said}");
        said.contains("1 dead letter.").then_some(said)
    })
    .await;
    let first =
        format!("controls.process_manager: position {position} of /studio/evidence, 5 tries");
    for part in [
        first.as_str(),
        "studio.evidence.check_results.recorded.v1 evt_",
        &format!("of {tenant}"),
        &format!("there is no project {project}"),
    ] {
        assert!(listed.contains(part), "{part} is not in {listed}");
    }

    // Nothing is mended yet.
    let (well, said) = dead_letters(&installation, &["redrive"]);
    assert!(!well && said.contains("1 marked") && said.contains("0 taken in."), "{said}");
    assert!(said.contains("failed again: controls.process_manager: position"), "{said}");
    assert!(said.contains("6 tries"), "{said}");

    // A mark that nobody sees to does not hold up those that were asked for.
    let database = store(&installation, "controls").await;
    let others = "INSERT INTO dead_letters (consumer, source, position, tenant, event, error, \
         attempts, recorded_at, redrive) SELECT 'a.nobody', source, position, tenant, event, \
         error, attempts, recorded_at, 1 FROM dead_letters";
    database.writer().execute_unprepared(others).await.unwrap();
    let began = Instant::now();
    let only = ["redrive", "--consumer", "controls.process_manager", "--wait", "60"];
    let (well, said) = dead_letters(&installation, &only);
    assert!(!well && said.contains("1 marked") && said.contains("7 tries"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(30), "it waited for the mark of another");
    let others = "DELETE FROM dead_letters WHERE consumer = 'a.nobody'";
    database.writer().execute_unprepared(others).await.unwrap();
    database.close().await.unwrap();
    for (arguments, words) in [
        (vec!["redrive", "--consumer", "nobody"], "no dead letters of a consumer nobody"),
        (
            vec!["redrive", "--consumer", "controls.process_manager", "--position", "999"],
            "has no dead letter of position 999",
        ),
        (vec!["redrive", "--position", "1"], "--consumer"),
    ] {
        let (well, said) = dead_letters(&installation, &arguments);
        assert!(!well && said.contains(words), "{said}");
    }
    server.stop();

    // Mended while Studio stands still: the mark waits for it.
    let created = ProjectCreated { project, name: "Late".to_owned() };
    let stream = ("controls.project", project.to_string());
    record(&installation, "controls", tenant, stream, &created).await;
    let consumer = ["redrive", "--consumer", "controls.process_manager", "--wait", "0"];
    let (well, said) = dead_letters(&installation, &consumer);
    assert!(well && said.contains("1 still marked"), "{said}");
    assert!(dead_letters(&installation, &["list"]).1.contains(", marked"));
    let server = installation.start();
    until("the dead letter to be taken in", || async {
        dead_letters(&installation, &["list"]).1.contains("No dead letters.").then_some(())
    })
    .await;
    let database = store(&installation, "controls").await;
    let matched = "SELECT COUNT(*) FROM events WHERE type = 'controls.check_results.matched'";
    assert_eq!(number(&database, matched).await, 1);
    database.close().await.unwrap();
    server.stop();
    installation.run(&["verify"]);
}

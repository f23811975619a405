//! The scans of the load: each writer scans its own few resources again and again, with another
//! outcome each time.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use studio_kernel::Env;
use studio_sdk::Error;

use super::{checks::Scene, load::Done};
use crate::support::{query, until};

/// Resources of a scan.
const RESOURCES: usize = 3;

fn check(writer: usize) -> String {
    format!("load_check_{writer}")
}

/// The bytes of a writer's next scan.
pub(super) fn scan(writer: usize, passes: bool) -> Vec<u8> {
    let now = Env::system().now().micros() / 1_000_000;
    let finding = |resource: usize| {
        json!({
            "metadata": { "event_code": check(writer), "product": { "name": "Prowler" }, "version": "1.5.0" },
            "severity": "Low",
            "status": "New",
            "status_code": if passes { "PASS" } else { "FAIL" },
            "finding_info": { "uid": format!("load-{writer}-{resource}"), "title": "A check", "created_time": now },
            "resources": [{ "uid": format!("arn:load:{writer}:{resource}"), "name": "one", "type": "Thing", "region": "eu-west-1" }],
            "cloud": { "account": { "uid": format!("12345678901{writer}") }, "provider": "aws", "region": "eu-west-1" },
            "unmapped": { "compliance": { "SOC2": ["cc_6_1"] } },
            "class_uid": 2004,
            "time": now,
        })
    };
    serde_json::to_vec(&(0..RESOURCES).map(finding).collect::<Vec<_>>()).unwrap()
}

impl Scene {
    /// Every run of the project.
    async fn runs(&self) -> Result<Vec<Value>, Error> {
        let text = "query($p: ID!, $after: String) { ingestRuns(projectId: $p, first: 100, after: $after) {
            nodes { id state matching { state } counts { items refused } }
            pageInfo { hasNextPage endCursor } } }";
        self.nodes(text, json!({ "p": self.project }), "/ingestRuns").await
    }

    /// Waits until every scan that was begun is recorded and has made its tests, also those whose
    /// client was never answered.
    pub(super) async fn recorded(&self) {
        until("every scan to be recorded and matched", || async {
            let runs = self.runs().await.ok()?;
            let done =
                |run: &Value| run["state"] == "COMPLETED" && run["matching"]["state"] == "DONE";
            runs.iter().all(done).then_some(())
        })
        .await;
    }

    /// Every acknowledged scan is there, once and whole, and its findings are there once.
    pub(super) async fn scans_are_there(&self, done: &Done) {
        let runs = self.runs().await.unwrap();
        let ids: BTreeSet<&str> = runs.iter().map(|run| run["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), runs.len(), "a run is there twice");
        for (_, id) in &done.scans {
            assert!(ids.contains(id.as_str()), "run {id} was acknowledged and is lost");
        }
        for run in &runs {
            assert_eq!(run["counts"]["items"], RESOURCES, "{run}");
            // What claims to be of the future is refused.
            assert!(self.clocks_jump || run["counts"]["refused"] == 0, "{run}");
        }
        let writers: BTreeSet<usize> = done.scans.iter().map(|(writer, _)| *writer).collect();
        for writer in writers {
            let text = "query($p: ID!, $c: String) { findings(projectId: $p, check: $c) { nodes { id } } }";
            let variables = json!({ "p": self.project, "c": check(writer) });
            let found = query(&self.client, text, variables).await;
            let found = found["findings"]["nodes"].as_array().unwrap().len();
            let most = if self.clocks_jump { 0..=RESOURCES } else { RESOURCES..=RESOURCES };
            assert!(most.contains(&found), "{} has {found} findings", check(writer));
        }
    }
}

//! The clock of the machine that Studio runs on is set an hour ahead or back, at once for all of its
//! processes, and right again later. The servers beside it keep their time. Sessions end when the
//! clock passes the end of their tokens: clients sign in again.

use std::path::PathBuf;

use super::{AWAY, servers, survives};
use crate::support::{Installation, Shape};

/// What a process reads for the time: a file that libfaketime looks into at each question.
struct Clock(PathBuf);

impl Clock {
    /// Sets it so many seconds apart from the true time.
    fn set(&self, seconds: i64) {
        let new = self.0.with_extension("new");
        std::fs::write(&new, format!("{seconds:+}\n")).unwrap();
        // Whole or not at all, as a clock is set.
        std::fs::rename(new, &self.0).unwrap();
    }
}

async fn jump(fault: &str, seconds: i64) {
    if !servers() {
        return;
    }
    let Ok(library) = std::env::var("STUDIO_TEST_FAKETIME") else {
        println!(
            "skipped: STUDIO_TEST_FAKETIME is not set: run it by tests/services with faketime"
        );
        return;
    };
    let installation = Installation::of(Shape::Cluster);
    let clock = Clock(installation.path().join("clock"));
    clock.set(0);
    let installation = installation
        .with_setting("LD_PRELOAD", &library)
        .with_setting("FAKETIME_TIMESTAMP_FILE", clock.0.to_str().unwrap())
        .with_setting("FAKETIME_NO_CACHE", "1")
        // As on any machine, waiting is measured by a clock that nobody sets.
        .with_setting("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .with_setting("DONT_FAKE_MONOTONIC", "1")
        .with_setting("NO_FAKE_STAT", "1");
    survives(fault, installation, true, async |_, _| {
        clock.set(seconds);
        tokio::time::sleep(AWAY * 2).await;
        clock.set(0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_jumps_ahead() {
    jump("Clock set an hour ahead, and back again", 3600).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_jumps_back() {
    jump("Clock set an hour back, and right again", -3600).await;
}

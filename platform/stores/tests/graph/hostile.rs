//! Graphs that somebody made to hurt: questions stay within their limits, and say so.

use studio_stores::graph::{Change, coverage_paths, dependencies, impact, limits};

use crate::support::{control, covers, id, rests, subjects};

#[tokio::test]
async fn a_graph_full_of_circles_costs_no_more_than_its_edges() {
    for mut subject in subjects("dense").await {
        // Everything rests on everything: paths without number.
        let n = 40;
        let changes: Vec<Change> = (0..n)
            .flat_map(|from| (0..n).filter(move |to| *to != from).map(move |to| rests(from, 5, to)))
            .collect();
        subject.one(changes).await;
        let view = subject.view(1).await;
        let reach = dependencies(&*view, control(0), u32::MAX).await.unwrap();
        assert_eq!(reach.controls.len(), 39, "{}", subject.name);
        assert!(reach.controls.iter().all(|reached| reached.path.len() == 2));
        assert_eq!(reach.cycles, [[0, 1].map(control).to_vec()]);
        assert!(!reach.truncated);
    }
}

#[tokio::test]
async fn a_long_chain_is_followed_so_far() {
    for mut subject in subjects("chain").await {
        subject.one((0..100).map(|n| rests(n, 10, n + 1))).await;
        let view = subject.view(1).await;
        let reach = dependencies(&*view, control(0), u32::MAX).await.unwrap();
        assert_eq!(reach.controls.len(), usize::try_from(limits::DEPTH).unwrap());
        let found = impact(&*view, control(100)).await.unwrap();
        assert_eq!(found.controls.len(), usize::try_from(limits::DEPTH).unwrap());
    }
}

#[tokio::test]
async fn an_answer_that_was_cut_says_so() {
    // In memory alone: what is cut is the same code above every adapter.
    let mut subject = subjects("cut").await.remove(0);
    let too_many = u128::try_from(limits::ANSWERS).unwrap() + 5;
    subject.one((1..=too_many).map(|n| rests(n, 10, 0))).await;
    subject.one((1..=too_many).map(|n| covers(n, 10, 1_000_000, ""))).await;
    let view = subject.view(1).await;
    let found = impact(&*view, control(0)).await.unwrap();
    assert_eq!((found.controls.len(), found.truncated), (limits::ANSWERS, true));
    let paths = coverage_paths(&*view, id(1_000_000), None).await.unwrap();
    assert_eq!((paths.paths.len(), paths.truncated), (limits::ANSWERS, true));
}

//! Graphs that somebody made to hurt: questions stay within their limits, and say so.

use studio_stores::graph::{
    Change, coverage_paths, dependencies, dependency_cycles, impact, limits, single_points,
};

use crate::support::{control, covers, id, inside, rests, subjects};

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
        let found = impact(&*view, control(100), id(80)).await.unwrap();
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
    subject.one((1..=too_many).map(|n| inside(n, 80))).await;
    let view = subject.view(1).await;
    let found = impact(&*view, control(0), id(80)).await.unwrap();
    assert_eq!((found.controls.len(), found.truncated), (limits::ANSWERS, true));
    let paths = coverage_paths(&*view, id(1_000_000), id(80), &Default::default()).await.unwrap();
    assert_eq!((paths.paths.len(), paths.truncated), (limits::ANSWERS, true));
}

#[tokio::test]
async fn single_points_of_a_hostile_graph_stay_within_limits() {
    // In memory alone, for the same reason. Each of 2,000 controls rests on the next one, and meets a
    // requirement of its own.
    let mut subject = subjects("points").await.remove(0);
    let n = 2_000;
    subject.one((0..n - 1).map(|at| rests(at, 10, at + 1))).await;
    subject.one((0..n).flat_map(|at| [covers(at, 10, 10_000 + at, ""), inside(at, 80)])).await;
    let requirements = (0..n).map(|at| id(10_000 + at)).collect();
    let view = subject.view(1).await;
    let found = single_points(&*view, id(80), &requirements, 1).await.unwrap();
    assert_eq!((found.points.len(), found.truncated), (2_000, true), "no way is longer than 16");
    let most = found.points.iter().map(|point| point.requirements.len()).max();
    assert_eq!(most, usize::try_from(limits::DEPTH + 1).ok());
    let path = &found.points[20].requirements[0].path;
    assert_eq!(path.len(), usize::try_from(limits::DEPTH + 2).unwrap());

    // Everything rests on everything: more steps than a question takes, and none of them twice.
    let n = 200;
    let all =
        (0..n).flat_map(|from| (0..n).filter(move |to| *to != from).map(move |to| (from, to)));
    subject.one(all.map(|(from, to)| rests(from, 10, to))).await;
    let view = subject.view(1).await;
    let found = single_points(&*view, id(80), &requirements, 1).await.unwrap();
    assert!(found.truncated);
    let cycles = dependency_cycles(&*view, id(80)).await.unwrap();
    assert_eq!((cycles.cycles.len(), cycles.truncated), (1, false));
}

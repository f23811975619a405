//! What every adapter must do.

use std::collections::BTreeSet;

use studio_kernel::kind;
use studio_stores::graph::{
    Applied, Batch, Change, EdgeKey, EdgeKind, Link, Node, NodeId, Relation, State, Weight,
    coverage_paths, dependencies, dependents, impact, who_is_behind,
};

use crate::support::{
    Subject, control, covers, cut, edge, id, inside, maps, mark, requirement, rests, subjects,
    tenant, tenths,
};

#[tokio::test]
async fn a_batch_is_applied_once_and_only_where_it_fits() {
    for subject in subjects("once").await {
        let graph = &subject.graph;
        assert_eq!(graph.state().await.unwrap(), State::Empty);
        let batch = |after: Option<i64>, to: i64, change| Batch {
            after: after.map(mark),
            mark: mark(to),
            changes: vec![(tenant(1), change)],
        };
        let first = batch(None, 3, rests(1, 5, 2));
        assert_eq!(graph.apply(&first).await.unwrap(), Applied::Yes);
        assert_eq!(graph.apply(&first).await.unwrap(), Applied::No(State::At(mark(3))));
        let from_elsewhere = batch(Some(2), 9, rests(8, 5, 9));
        let refused = graph.apply(&from_elsewhere).await.unwrap();
        assert_eq!(refused, Applied::No(State::At(mark(3))));
        let mut of_another_log = batch(Some(3), 9, rests(8, 5, 9));
        of_another_log.after.as_mut().unwrap().hash = [1; 32];
        assert_ne!(graph.apply(&of_another_log).await.unwrap(), Applied::Yes);
        assert_eq!(graph.apply(&batch(Some(3), 4, rests(2, 5, 3))).await.unwrap(), Applied::Yes);
        assert_eq!(graph.state().await.unwrap(), State::At(mark(4)));

        let view = graph.view(tenant(1)).await.unwrap();
        let reach = dependencies(&*view, control(1), 9).await.unwrap();
        let found: Vec<_> = reach.controls.iter().map(|reached| reached.control).collect();
        assert_eq!(found, [control(2), control(3)], "{}", subject.name);
        assert!(dependencies(&*view, control(8), 9).await.unwrap().controls.is_empty());

        graph.clear().await.unwrap();
        assert_eq!(graph.state().await.unwrap(), State::Empty);
        let view = graph.view(tenant(1)).await.unwrap();
        assert!(dependencies(&*view, control(1), 9).await.unwrap().controls.is_empty());
        assert_eq!(graph.apply(&first).await.unwrap(), Applied::Yes);
    }
}

#[tokio::test]
async fn the_strongest_path_counts() {
    for mut subject in subjects("strongest").await {
        // 1 rests on 4 by itself weakly, and over 2 and 3 more strongly; 5 lies behind 4.
        subject
            .one([rests(1, 3, 4), rests(1, 10, 2), rests(2, 10, 3), rests(3, 5, 4), rests(4, 5, 5)])
            .await;
        let view = subject.view(1).await;
        let reach = dependencies(&*view, control(1), 16).await.unwrap();
        let seen: Vec<_> = reach
            .controls
            .iter()
            .map(|reached| (reached.control, reached.weight, reached.path.len()))
            .collect();
        let expected = [
            (control(2), Weight::ONE, 2),
            (control(3), Weight::ONE, 3),
            (control(4), tenths(5), 4),
            (control(5), Weight::from_units(250_000_000_000), 5),
        ];
        assert_eq!(seen, expected, "{}", subject.name);
        assert!(reach.cycles.is_empty() && !reach.truncated);
        // With a path of one only the weak one is left.
        let near = dependencies(&*view, control(1), 1).await.unwrap();
        assert_eq!(near.controls.last().unwrap().weight, tenths(3));
        // The same backwards.
        let back = dependents(&*view, control(5), 16).await.unwrap();
        let first = &back.controls[0];
        assert_eq!(first.path, [5, 4, 3, 2, 1].map(control));
        assert_eq!(first.weight, Weight::from_units(250_000_000_000));
    }
}

#[tokio::test]
async fn circles_are_named_and_retired_controls_end_a_path() {
    for mut subject in subjects("circles").await {
        subject
            .one([
                rests(1, 10, 2),
                rests(2, 5, 3),
                rests(3, 10, 1),
                rests(3, 10, 4),
                rests(4, 10, 5),
                Change::Node(Node::control(control(4), true)),
            ])
            .await;
        let view = subject.view(1).await;
        let reach = dependencies(&*view, control(2), 16).await.unwrap();
        assert_eq!(reach.cycles, [[1, 2, 3].map(control).to_vec()], "{}", subject.name);
        let retired = reach.controls.iter().find(|reached| reached.retired).unwrap();
        assert_eq!(retired.control, control(4));
        assert!(reach.controls.iter().all(|reached| reached.control != control(5)));
        let same = dependents(&*view, control(2), 16).await.unwrap();
        assert_eq!(same.cycles, reach.cycles);
    }
}

#[tokio::test]
async fn changes_replace_and_removals_take_edges_along() {
    for mut subject in subjects("changes").await {
        subject.one([rests(1, 10, 2), rests(2, 10, 3), rests(1, 3, 3)]).await;
        subject.one([rests(1, 5, 3), cut(EdgeKind::DependsOn, control(2), control(3))]).await;
        let view = subject.view(1).await;
        let reach = dependencies(&*view, control(1), 16).await.unwrap();
        assert_eq!(reach.controls[1].weight, tenths(5), "{}", subject.name);
        // Gone and back again within one batch: its old edges do not come back.
        let node = NodeId::from(control(1));
        subject.one([Change::RemoveNode(node), rests(1, 3, 7)]).await;
        let view = subject.view(1).await;
        let reach = dependencies(&*view, control(1), 16).await.unwrap();
        assert_eq!(reach.controls.len(), 1, "{}", subject.name);
        assert_eq!((reach.controls[0].control, reach.controls[0].weight), (control(7), tenths(3)));
        // What is not there can be removed.
        subject
            .one([
                Change::RemoveNode(control(99).into()),
                cut(EdgeKind::DependsOn, control(8), control(9)),
            ])
            .await;
    }
}

#[tokio::test]
async fn no_question_crosses_organizations() {
    for mut subject in subjects("tenants").await {
        let everywhere = [rests(1, 10, 2), covers(1, 10, 50, "")];
        let changes: Vec<_> = [1, 2]
            .into_iter()
            .flat_map(|of| everywhere.iter().map(move |change| (tenant(of), change.clone())))
            .collect();
        subject.tell(&changes).await;
        subject
            .tell(&[
                (tenant(2), rests(2, 10, 3)),
                (tenant(2), Change::RemoveNode(control(1).into())),
            ])
            .await;
        let of = async |organization| {
            let view = subject.view(organization).await;
            let reach = dependencies(&*view, control(1), 16).await.unwrap();
            let impact = impact(&*view, control(2), id(80)).await.unwrap();
            (reach.controls.len(), impact.controls.len(), impact.requirements.len())
        };
        assert_eq!(of(1).await, (1, 1, 1), "{}", subject.name);
        assert_eq!(of(2).await, (0, 0, 0), "{}", subject.name);
        assert_eq!(of(3).await, (0, 0, 0), "{}", subject.name);
    }
}

fn within(requirement: u128, framework: u128) -> Change {
    edge(id::<kind::Requirement>(requirement), Link::BelongsTo, id::<kind::Framework>(framework))
}

#[tokio::test]
async fn an_impact_runs_up_to_frameworks() {
    for mut subject in subjects("impact").await {
        subject
            .one([
                rests(2, 5, 1),
                covers(1, 3, 50, ""),
                covers(2, 10, 50, ""),
                covers(2, 20, 51, "either"),
                // 52 is a part of 51; 53 its equal in another project alone; 54 an intersection away.
                maps(51, Relation::Superset, None, 80, 52),
                maps(51, Relation::Equal, None, 81, 53),
                maps(52, Relation::Intersects, Some(9), 80, 54),
                within(50, 60),
                within(51, 60),
                within(52, 61),
                Change::Node(Node::control(control(3), true)),
                rests(3, 10, 1),
            ])
            .await;
        let view = subject.view(1).await;
        let found = impact(&*view, control(1), id(80)).await.unwrap();
        assert_eq!(found.controls.len(), 1, "the retired one does not count");
        let requirements: Vec<_> =
            found.requirements.iter().map(|affected| (affected.id, affected.weight)).collect();
        let expected = [(id(50), tenths(5)), (id(51), tenths(5)), (id(52), tenths(5))];
        assert_eq!(requirements, expected, "{}", subject.name);
        let path: Vec<NodeId> = vec![
            control(1).into(),
            control(2).into(),
            id::<kind::Requirement>(51).into(),
            id::<kind::Requirement>(52).into(),
            id::<kind::Framework>(61).into(),
        ];
        assert_eq!(found.frameworks[1].path, path);
        assert_eq!(found.frameworks[0].weight, tenths(5));
    }
}

/// A project 80 with two controls: 1 with a test that rests on evidence, 2 with nothing.
async fn proven(subject: &mut Subject) {
    let evidence = NodeId::evidence(id(40), 2);
    let test = id::<kind::ControlTest>(30);
    let (ada, bob, eve) = (id::<kind::User>(90), id::<kind::User>(91), id::<kind::User>(92));
    subject
        .one([
            edge(id::<kind::Project>(80), Link::Adopts, id::<kind::Framework>(60)),
            inside(1, 80),
            inside(2, 80),
            requirement(50, 3),
            requirement(51, 1),
            within(50, 60),
            within(51, 60),
            covers(1, 10, 50, ""),
            covers(2, 10, 50, ""),
            covers(2, 5, 51, "either"),
            covers(1, 5, 51, "either"),
            edge(test, Link::Tests, control(1)),
            edge(test, Link::RestsOn, evidence),
            edge(ada, Link::Uploaded, evidence),
            edge(eve, Link::Uploaded, NodeId::evidence(id(40), 1)),
            edge(bob, Link::Owns, control(2)),
            edge(bob, Link::Recorded, test),
            edge(tenant(1), Link::Recorded, test),
        ])
        .await;
}

#[tokio::test]
async fn coverage_is_shown_as_far_as_it_goes() {
    for mut subject in subjects("coverage").await {
        proven(&mut subject).await;
        subject
            .one([
                inside(7, 81),
                covers(7, 10, 50, ""),
                // 52 inherits from 50, which is only a part of it, and is all of it elsewhere.
                maps(50, Relation::Subset, Some(6), 80, 52),
                maps(50, Relation::Equal, None, 81, 52),
                maps(52, Relation::Equal, None, 80, 53),
            ])
            .await;
        let view = subject.view(1).await;
        let applies = BTreeSet::new();
        let own = coverage_paths(&*view, id(50), id(80), &applies).await.unwrap().paths;
        assert_eq!(own.len(), 2, "{}", subject.name);
        assert_eq!(own[0].evidence.unwrap().version, 2);
        assert_eq!((own[1].control, own[1].test, own[1].evidence), (control(2), None, None));
        let elsewhere = coverage_paths(&*view, id(52), id(81), &applies).await.unwrap().paths;
        assert_eq!((elsewhere.len(), elsewhere[0].weight), (1, Weight::ONE), "{}", subject.name);
        let inherited = coverage_paths(&*view, id(53), id(80), &applies).await.unwrap().paths;
        assert_eq!(inherited.len(), 2);
        assert_eq!(inherited[0].through, [id(52), id(50)]);
        assert_eq!(inherited[0].weight, tenths(6));
        // What does not apply carries nothing, and something over it is carried all the same.
        let without = BTreeSet::from([id(52)]);
        let over = coverage_paths(&*view, id(53), id(80), &without).await.unwrap().paths;
        assert_eq!(over, inherited);
        let without = BTreeSet::from([id(50)]);
        assert!(coverage_paths(&*view, id(53), id(80), &without).await.unwrap().paths.is_empty());

        // The mapping of one project is taken back; that of the other stays.
        let requirement = |n| NodeId::from(id::<kind::Requirement>(n));
        let key = EdgeKey::new(EdgeKind::MapsTo, requirement(50), requirement(52)).unwrap();
        subject.one([Change::RemoveEdge(key.of_project(id(80)))]).await;
        let view = subject.view(1).await;
        for (of, ways) in [(80, 0), (81, 1)] {
            let left = coverage_paths(&*view, id(52), id(of), &applies).await.unwrap();
            assert_eq!(left.paths.len(), ways, "{}", subject.name);
        }
    }
}

#[tokio::test]
async fn people_stand_behind_a_score() {
    for mut subject in subjects("people").await {
        proven(&mut subject).await;
        let view = subject.view(1).await;
        let behind = who_is_behind(&*view, id(80), id(60)).await.unwrap();
        let seen: Vec<_> = behind
            .people
            .iter()
            .map(|p| (p.user, p.weight, (p.controls, p.owned, p.recorded, p.uploaded)))
            .collect();
        // Of W = 3 + 1: Bob has both controls of 50, so 3, and the half of 51 that is covered at
        // all. Ada has one control of 50, so half of 3, and the same of 51. Eve's version is in use
        // nowhere.
        let expected = [
            (id(91), Weight::from_units(875_000_000_000), (2, 1, 1, 0)),
            (id(90), Weight::from_units(500_000_000_000), (1, 0, 0, 1)),
        ];
        assert_eq!(seen, expected, "{}", subject.name);
        assert!(who_is_behind(&*view, id(81), id(60)).await.unwrap().people.is_empty());
    }
}

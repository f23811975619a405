//! Clients that follow the same: what they share, what keeps them apart, and that none of them can
//! harm another.

mod world;

use self::world::{World, caller, code, id, next};
use crate::support::supergraph;
use futures::{FutureExt, StreamExt};
use serde_json::{Value, json};
use std::sync::atomic::Ordering::Relaxed;
use studio_router::{Limits, Router, Sharing, transport::TransportError};

const NAMES: &str = "subscription { reviewAdded { id author { name } } }";
const NAMES_AND_MORE: &str = "subscription { reviewAdded { id author { id name } } }";
const COUNTED: &str = "subscription($n: Int!) { reviewAdded(count: $n) { id } }";

#[tokio::test]
async fn an_event_is_executed_and_written_once_for_a_thousand_clients() {
    let world = World::new(Sharing::default());
    let mut clients = world.together((0..1000).map(|_| world.follow("1", NAMES))).await;
    for number in 1..=3 {
        world.feed.tell(&format!("r{number}"));
        let answers = futures::future::join_all(clients.iter_mut().map(StreamExt::next)).await;
        let first = answers[0].clone().unwrap();
        let expected = json!({ "id": format!("r{number}"), "author": { "name": "Ada" } });
        let read: Value = serde_json::from_slice(&first).unwrap();
        assert_eq!(read, json!({ "data": { "reviewAdded": expected } }));
        // The very same bytes.
        assert!(answers.iter().all(|answer| answer.as_ref().unwrap().as_ptr() == first.as_ptr()));
        assert_eq!(world.users.1.load(Relaxed), number);
    }
    assert_eq!((world.feed.begun(), world.feed.open()), (1, 1));
    drop(clients.split_off(1));
    assert_eq!(world.feed.open(), 1);
    drop(clients);
    assert_eq!(world.feed.open(), 0, "the upstream ends with its last client");
    let _again = world.follow("1", NAMES).await;
    assert_eq!((world.feed.begun(), world.feed.open()), (2, 1));
}

#[tokio::test]
async fn other_variables_and_other_callers_share_nothing() {
    let world = World::new(Sharing::AnyTime);
    let ask = |name, n: i32| world.try_follow(caller(name, "1"), COUNTED, json!({ "n": n }));
    let _clients = world
        .together([
            ask("ada", 1),
            ask("ada", 2),
            ask("bob", 1),
            ask("nobody", 1),
            ask("nobody", 1),
            // The same as the first one.
            ask("ada", 1),
        ])
        .await;
    assert_eq!(world.feed.begun(), 5);

    let never = World::new(Sharing::Never);
    let _clients = [never.follow("1", NAMES).await, never.follow("1", NAMES).await];
    assert_eq!(never.feed.begun(), 2);
}

#[tokio::test]
async fn other_operations_share_what_the_subgraph_is_asked_alike() {
    let world = World::new(Sharing::default());
    let mut names = world.follow("1", NAMES).await;
    let mut more = world.follow("1", NAMES_AND_MORE).await;
    world.feed.tell("r1");
    let author = |name: Value| json!({ "data": { "reviewAdded": { "id": "r1", "author": name } } });
    assert_eq!(next(&mut names).await, author(json!({ "name": "Ada" })));
    assert_eq!(next(&mut more).await, author(json!({ "id": "u1", "name": "Ada" })));
    assert_eq!((world.feed.begun(), world.users.1.load(Relaxed)), (1, 2));
    drop(names);
    world.feed.tell("r2");
    assert_eq!(id(&mut more).await, "r2");
    drop(more);
    assert_eq!(world.feed.open(), 0);
}

#[tokio::test]
async fn by_default_a_client_misses_nothing_that_is_sent_first() {
    let world = World::new(Sharing::default());
    *world.feed.first.lock().unwrap() = vec!["now"];
    let (mut first, mut second) = (world.follow("1", NAMES).await, world.follow("1", NAMES).await);
    assert_eq!((id(&mut first).await, id(&mut second).await), ("now".into(), "now".into()));
    let mut late = world.follow("1", NAMES).await;
    assert_eq!(id(&mut late).await, "now");
    assert_eq!(world.feed.begun(), 2);
    world.feed.tell("r1");
    for client in [&mut first, &mut second, &mut late] {
        assert_eq!(id(client).await, "r1");
    }
}

#[tokio::test]
async fn where_it_is_allowed_a_client_joins_at_any_time_and_gets_what_follows() {
    let world = World::new(Sharing::AnyTime);
    let mut first = world.follow("1", NAMES).await;
    world.feed.tell("r1");
    assert_eq!(id(&mut first).await, "r1");
    let mut late = world.follow("1", NAMES).await;
    world.feed.tell("r2");
    assert_eq!((id(&mut late).await, id(&mut first).await), ("r2".into(), "r2".into()));
    assert_eq!(world.feed.begun(), 1);
    // What has ended is joined by nobody, though somebody still reads it.
    world.feed.tell("r3");
    world.feed.followers.lock().unwrap().clear();
    assert_eq!(id(&mut late).await, "r3");
    assert!(late.next().await.is_none());
    let mut new = world.follow("1", NAMES).await;
    world.feed.tell("r4");
    assert_eq!(id(&mut new).await, "r4");
    assert_eq!(id(&mut first).await, "r3");
    assert!(first.next().await.is_none());
}

#[tokio::test]
async fn with_a_cursor_a_client_gets_what_is_sent_first_and_then_joins() {
    let world = World::new(Sharing::AtEvent { cursor: "Review.id".to_owned() });
    let sends = |first: Vec<&'static str>| *world.feed.first.lock().unwrap() = first;
    sends(vec!["5", "9"]);
    let mut first = world.follow("1", NAMES).await;
    assert_eq!((id(&mut first).await, id(&mut first).await), ("5".into(), "9".into()));

    // It has the newest event of the others at once, and goes on with them.
    let mut second = world.follow("2", NAMES).await;
    assert_eq!((world.feed.begun(), world.feed.open()), (2, 2));
    assert_eq!((id(&mut second).await, id(&mut second).await), ("5".into(), "9".into()));
    assert_eq!(world.feed.open(), 1);

    // What comes meanwhile it gets once, though it was sent that, too.
    world.feed.tell("12");
    sends(vec!["9", "12"]);
    let mut third = world.follow("3", NAMES).await;
    assert_eq!(id(&mut third).await, "9");
    assert_eq!(world.feed.open(), 1);
    world.feed.tell("13");
    for client in [&mut third, &mut second, &mut first] {
        assert_eq!((id(client).await, id(client).await), ("12".into(), "13".into()));
    }

    // All that is read for the first was read so that it shows what the others have seen.
    assert_eq!(*world.sessions.shared.lock().unwrap(), [("1", "2"), ("1", "3")]);
}

#[tokio::test]
async fn clients_with_a_cursor_find_together_when_those_before_them_go() {
    let world = World::new(Sharing::AtEvent { cursor: "Review.id".to_owned() });
    let mut first = world.follow("1", NAMES).await;
    world.feed.tell("r1");
    assert_eq!(id(&mut first).await, "r1");
    let (mut second, mut third) = (world.follow("2", NAMES).await, world.follow("3", NAMES).await);
    drop(first);
    assert_eq!(world.feed.open(), 2);
    for number in ["r2", "r3"] {
        world.feed.tell(number);
        assert_eq!(id(&mut second).await, number);
        assert_eq!(id(&mut third).await, number);
        assert_eq!(world.feed.open(), 1);
    }
}

#[tokio::test]
async fn without_its_cursor_a_client_joins_until_the_first_event() {
    let world = World::new(Sharing::AtEvent { cursor: "Review.id".to_owned() });
    const BODIES: &str = "subscription { reviewAdded { body author { name } } }";
    let mut first = world.follow("1", BODIES).await;
    let mut second = world.follow("1", BODIES).await;
    world.feed.tell("r1");
    assert_eq!(next(&mut first).await, next(&mut second).await);
    assert_eq!(world.feed.begun(), 1);
    let mut late = world.follow("1", BODIES).await;
    for _ in 0..2 {
        world.feed.tell("r2");
        next(&mut late).await;
        next(&mut first).await;
    }
    assert_eq!(world.feed.open(), 2, "equal answers may be of two events");
}

#[tokio::test]
async fn a_client_that_is_too_slow_is_cut_and_nobody_else_notices() {
    let limits = Limits { events_behind: 3, ..Limits::default() };
    let world = World::with(Sharing::default(), limits);
    let mut fast = world.follow("1", NAMES).await;
    let mut slow = world.follow("1", NAMES).await;
    for number in 1..=4 {
        world.feed.tell(&format!("r{number}"));
        assert_eq!(id(&mut fast).await, format!("r{number}"));
    }
    let told = next(&mut slow).await;
    assert_eq!(code(&told), "TOO_SLOW");
    assert_eq!(told.get("data"), None);
    assert!(slow.next().await.is_none());
    world.feed.tell("r5");
    assert_eq!(id(&mut fast).await, "r5");
    // Alone it is waited for, however many there are.
    for number in 6..=20 {
        world.feed.tell(&format!("r{number}"));
    }
    for number in 6..=20 {
        assert_eq!(id(&mut fast).await, format!("r{number}"));
    }
}

#[tokio::test]
async fn an_error_of_the_upstream_reaches_all_and_the_next_client_begins_anew() {
    let world = World::new(Sharing::AnyTime);
    let mut clients = [world.follow("1", NAMES).await, world.follow("1", NAMES).await];
    world.feed.each(|follower| {
        let broken = Err(TransportError::Connection("reset".to_owned()));
        follower.unbounded_send(broken).unwrap();
    });
    for client in &mut clients {
        assert_eq!(code(&next(client).await), "SUBGRAPH_UNAVAILABLE");
        assert!(client.next().await.is_none());
    }
    let mut again = world.follow("1", NAMES).await;
    world.feed.tell("r1");
    assert_eq!(id(&mut again).await, "r1");
    assert_eq!(world.feed.begun(), 2);
}

#[tokio::test]
async fn a_subgraph_that_is_away_is_told_to_all_and_asked_again_by_the_next() {
    let world = World::new(Sharing::default());
    world.feed.away.store(true, Relaxed);
    let ask = || world.try_follow(caller("ada", "1"), NAMES, Value::Null);
    for refused in world.together([ask(), ask(), ask()]).await {
        assert_eq!(refused.err().unwrap().code.as_deref(), Some("SUBGRAPH_UNAVAILABLE"));
    }
    assert_eq!(world.feed.begun(), 1);
    world.feed.away.store(false, Relaxed);
    let mut client = ask().await.unwrap();
    world.feed.tell("r1");
    assert_eq!(id(&mut client).await, "r1");
}

#[tokio::test]
async fn a_session_that_ends_ends_what_it_followed_alone() {
    let world = World::new(Sharing::default());
    let mut clients = [
        world.follow("1", NAMES).await,
        world.follow("2", NAMES).await,
        world.follow("3", NAMES).await,
    ];
    // Also the one for which the subgraph was asked.
    world.sessions.over.lock().unwrap().extend(["1", "3"]);
    world.feed.tell("r1");
    let [first, second, third] = &mut clients;
    for over in [first, third] {
        assert_eq!(code(&next(over).await), "UNAUTHENTICATED");
        assert!(over.next().await.is_none());
    }
    assert_eq!(id(second).await, "r1");
    world.feed.tell("r2");
    assert_eq!(id(second).await, "r2");
    assert_eq!(world.feed.begun(), 1);
}

#[tokio::test]
async fn a_router_that_ends_ends_all_of_them() {
    let world = World::new(Sharing::default());
    let mut clients = [world.follow("1", NAMES).await, world.follow("1", NAMES).await];
    world.feed.tell("r1");
    for client in &mut clients {
        assert_eq!(id(client).await, "r1");
        assert!(client.next().now_or_never().is_none(), "it waits");
    }
    world.shutdown.cancel();
    for client in &mut clients {
        assert!(client.next().await.is_none());
    }
    drop(clients);
    assert_eq!(world.feed.open(), 0);
}

#[tokio::test]
async fn the_subscription_type_may_have_another_name() {
    let renamed = supergraph()
        .replace("subscription: Subscription", "subscription: Events")
        .replace("type Subscription", "type Events");
    assert!(renamed.contains("subscription: Events") && renamed.contains("type Events"));
    let world = World::of(renamed, Sharing::AnyTime, Limits::default());
    let mut first = world.follow("1", NAMES).await;
    world.feed.tell("r1");
    assert_eq!(id(&mut first).await, "r1");
    let mut late = world.follow("1", NAMES).await;
    world.feed.tell("r2");
    assert_eq!(id(&mut late).await, "r2");
    assert_eq!(world.feed.begun(), 1);
}

#[test]
fn what_is_shared_by_must_be_there() {
    let cursor = |field: &str| Sharing::AtEvent { cursor: field.to_owned() };
    for (field, sharing, named) in [
        ("nothing", Sharing::AnyTime, "no field Subscription.nothing to"),
        ("Subscription.reviewAdded", Sharing::AnyTime, "no field Subscription.Subscription."),
        ("reviewAdded", cursor("Review.nothing"), "no field Review.nothing to"),
        ("reviewAdded", cursor("id"), "no field id to"),
    ] {
        let builder = Router::builder().supergraph(supergraph());
        let refused = builder.share_subscription(field, sharing).build().unwrap_err();
        assert!(refused.to_string().contains(named), "{refused}");
    }
}

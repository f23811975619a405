use studio_kernel::{Env, FixedEntropy, ManualClock};

use super::*;

fn env() -> Env {
    Env::new(ManualClock::at(Timestamp::from_micros(1)), FixedEntropy::seeded(1))
}

fn version(
    env: &Env,
    of: Id<kind::Document>,
    project: Id<kind::Project>,
    sha256: &str,
) -> NewVersion {
    NewVersion {
        document: of,
        version: env.id(),
        project,
        media_type: MediaType::parse("text/plain").unwrap(),
        sha256: sha256.to_owned(),
        size: 3,
        data_class: None,
        owner: None,
    }
}

fn fold(document: &mut Document, events: &[DocumentEvent]) {
    for event in events {
        document.apply(event, Timestamp::from_micros(1));
    }
}

#[test]
fn versions_count_from_one_and_the_same_bytes_add_none() {
    let env = env();
    let (id, project) = (env.id(), env.id());
    let mut document = Document::default();
    let name = DocumentName::parse("Policy.txt").unwrap();
    let events = document.create(&name, version(&env, id, project, "a")).unwrap();
    fold(&mut document, &events);
    assert_eq!(document.newest_number(), 1);
    assert!(document.add_version(None, version(&env, id, project, "a")).unwrap().is_empty());
    let events = document.add_version(None, version(&env, id, project, "b")).unwrap();
    fold(&mut document, &events);
    assert_eq!(document.newest_number(), 2);
    let renamed = DocumentName::parse("Policy 2.txt").unwrap();
    let events = document.add_version(Some(&renamed), version(&env, id, project, "b")).unwrap();
    assert!(matches!(&events[..], [DocumentEvent::DocumentRenamed(_)]));
    // Going back to older bytes is a change, and so a version.
    let events = document.add_version(None, version(&env, id, project, "a")).unwrap();
    assert_eq!(events.len(), 1);
}

#[test]
fn refuses_another_project_and_nothing_at_all() {
    let env = env();
    let (id, project) = (env.id(), env.id());
    let mut document = Document::default();
    let refused = document.add_version(None, version(&env, id, project, "a")).unwrap_err();
    assert_eq!(refused, UploadRefused::NoSuchDocument);
    let name = DocumentName::parse("Policy.txt").unwrap();
    let empty = NewVersion { size: 0, ..version(&env, id, project, "a") };
    assert_eq!(document.create(&name, empty.clone()).unwrap_err(), UploadRefused::Empty);
    let events = document.create(&name, version(&env, id, project, "a")).unwrap();
    fold(&mut document, &events);
    assert_eq!(document.add_version(None, empty).unwrap_err(), UploadRefused::Empty);
    let other = version(&env, id, env.id(), "b");
    assert_eq!(document.add_version(None, other).unwrap_err(), UploadRefused::NoSuchDocument);
}

#[test]
fn a_class_is_set_by_whoever_has_seen_it_and_an_upload_only_raises_it() {
    let env = env();
    let (id, project) = (env.id(), env.id());
    let mut document = Document::default();
    let wanted =
        |data_class, expected| Classification { document: id, data_class, expected, owner: None };
    let none = document.classify(wanted(DataClass::Public, 0)).unwrap_err();
    assert_eq!(none, ClassifyRefused::NoSuchDocument);
    let name = DocumentName::parse("Policy.txt").unwrap();
    let upload =
        |sha256, class| NewVersion { data_class: class, ..version(&env, id, project, sha256) };
    let events = document.create(&name, upload("a", None)).unwrap();
    fold(&mut document, &events);
    assert_eq!((document.data_class, document.class_version), (DataClass::Internal, 1));
    assert!(document.classify(wanted(DataClass::Internal, 1)).unwrap().is_empty());
    let stale = document.classify(wanted(DataClass::Restricted, 2)).unwrap_err();
    assert_eq!(stale, ClassifyRefused::Stale { expected: 2, actual: 1 });
    let events = document.classify(wanted(DataClass::Public, 1)).unwrap();
    fold(&mut document, &events);
    assert_eq!((document.data_class, document.class_version), (DataClass::Public, 2));

    // The same bytes with a higher class are no version.
    let higher = Some(DataClass::Confidential);
    let events = document.add_version(None, upload("a", higher)).unwrap();
    assert!(matches!(&events[..], [DocumentEvent::DocumentClassified(_)]));
    fold(&mut document, &events);
    for class in [None, Some(DataClass::Public), higher] {
        let events = document.add_version(None, upload("b", class)).unwrap();
        let [DocumentEvent::DocumentVersionStored(stored)] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!(stored.data_class, DataClass::Confidential);
    }
}

#[test]
fn links_are_idempotent_and_bounded() {
    let env = env();
    let (id, project) = (env.id(), env.id());
    let mut document = Document::default();
    let link = |env: &Env| Link { document: id, control: env.id() };
    assert_eq!(document.link(link(&env)).unwrap_err(), LinkRefused::NoSuchDocument);
    let name = DocumentName::parse("Policy.txt").unwrap();
    let events = document.create(&name, version(&env, id, project, "a")).unwrap();
    fold(&mut document, &events);
    let first = link(&env);
    let events = document.link(first).unwrap();
    fold(&mut document, &events);
    assert!(document.link(first).unwrap().is_empty());
    for _ in 1..MOST_CONTROLS {
        let events = document.link(link(&env)).unwrap();
        fold(&mut document, &events);
    }
    assert_eq!(document.link(link(&env)).unwrap_err(), LinkRefused::TooMany);
    let events = document.unlink(first).unwrap();
    fold(&mut document, &events);
    assert!(document.unlink(first).unwrap().is_empty());
}

//! `studio config check` against servers that are there.

use crate::{
    services::variable,
    support::{Stores, config_check},
};

/// The settings of the servers; says so where they are not there.
fn servers() -> Option<Vec<(&'static str, String)>> {
    variable("STUDIO_TEST_POSTGRES")?;
    Some(Stores::empty().settings())
}

#[test]
fn servers_that_answer_are_in_order() {
    let Some(settings) = servers() else { return };
    let (fine, said) = config_check(&settings);
    for setting in ["stores.sql", "stores.redis", "stores.graph", "stores.s3", "STUDIO_MASTER_KEY"]
    {
        assert!(said.contains(&format!("ok      {setting}: ")), "{setting}: {said}");
    }
    assert!(fine, "{said}");
}

#[test]
fn servers_that_answer_and_refuse_are_named() {
    let Some(mut settings) = servers() else { return };
    settings.push(("STUDIO_STORES__S3__BUCKET", "no-such-bucket".to_owned()));
    settings.push(("STUDIO_STORES__SQL_CONNECTIONS", "1000".to_owned()));
    let (fine, said) = config_check(&settings);
    assert!(!fine);
    for (setting, about) in [("stores.s3", "no-such-bucket"), ("stores.sql", "max_connections")] {
        let line = said.lines().find(|line| line.contains(&format!("WRONG   {setting}: ")));
        assert!(line.is_some_and(|line| line.contains(about)), "{setting}: {said}");
    }
}

//! Groups as a directory sees them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    ScimError,
    attributes::Resource,
    document::Document,
    filter::Filter,
    list::Source,
    shown::Shown,
    users::{head, in_database, location},
};
use crate::{
    commands::{Core, provision::Provisioner},
    projections::directory_groups,
};

/// Groups of a directory.
pub(super) struct Groups<'a> {
    core: &'a Core,
    by: &'a Provisioner,
    narrowed: directory_groups::Narrowed,
    members: bool,
}

impl<'a> Groups<'a> {
    /// Those that a filter may be narrowed to, with what is shown of them.
    pub(super) fn new(
        core: &'a Core,
        by: &'a Provisioner,
        filter: Option<&Filter>,
        shown: &Shown,
    ) -> Self {
        let equal = |attribute: &str, sub| filter.and_then(|it| it.must_equal(attribute, sub));
        let members = |sub| equal("members", sub).map(str::to_owned);
        let narrowed = directory_groups::Narrowed {
            group: equal("id", None).map(str::to_owned),
            name_key: equal("displayName", None).map(str::to_lowercase),
            external_id: equal("externalId", None).map(str::to_owned),
            member: members(Some("value")).or_else(|| members(None)),
        };
        let members = shown.wants("members") || filter.is_some_and(|it| it.mentions("members"));
        Self { core, by, narrowed, members }
    }

    /// One of that id.
    pub(super) fn one(core: &'a Core, by: &'a Provisioner, id: &str, shown: &Shown) -> Self {
        let narrowed =
            directory_groups::Narrowed { group: Some(id.to_owned()), ..Default::default() };
        Self { core, by, narrowed, members: shown.wants("members") }
    }

    async fn write(&self, rows: Vec<directory_groups::Row>) -> Result<Vec<Document>, ScimError> {
        let Self { core, by, .. } = self;
        let mut members: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        if self.members {
            let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
            let found = directory_groups::members_of(&core.store, by.tenant, &ids).await?;
            for (group, user) in found {
                let place = location(core, Resource::User, &user);
                let member = json!({ "value": user, "$ref": place });
                members.entry(group).or_default().push(member);
            }
        }
        let written = rows.into_iter().map(|row| {
            let mut document = Document::new();
            let times = (row.created_at, row.modified_at, row.version);
            head(&mut document, core, (Resource::Group, &row.id), times);
            document.insert("displayName".to_owned(), row.display_name.into());
            if let Some(id) = row.external_id {
                document.insert("externalId".to_owned(), id.into());
            }
            if let Some(members) = members.remove(&row.id) {
                document.insert("members".to_owned(), members.into());
            }
            document
        });
        Ok(written.collect())
    }
}

impl Source for Groups<'_> {
    const RESOURCE: Resource = Resource::Group;

    async fn count(&self) -> Result<usize, ScimError> {
        let count =
            directory_groups::count(&self.core.store, self.by.tenant, self.by.directory).await?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    async fn page(&self, skip: usize, limit: usize) -> Result<(usize, Vec<Document>), ScimError> {
        let (tenant, directory) = (self.by.tenant, self.by.directory);
        let (store, narrowed) = (&self.core.store, &self.narrowed);
        let (skip, limit) = (in_database(skip), in_database(limit));
        let rows = directory_groups::page(store, tenant, directory, narrowed, skip, limit).await?;
        Ok((rows.len(), self.write(rows).await?))
    }
}

//! People as a directory sees them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use studio_kernel::Timestamp;

use super::{
    ScimError, attributes::Resource, document::Document, filter::Filter, list::Source, shown::Shown,
};
use crate::{
    commands::{Core, provision::Provisioner},
    projections::{directory_groups, directory_people},
};

/// People of a directory.
pub(super) struct Users<'a> {
    pub(super) core: &'a Core,
    pub(super) by: &'a Provisioner,
    narrowed: directory_people::Narrowed,
    groups: bool,
}

impl<'a> Users<'a> {
    /// Those that a filter may be narrowed to, with what is shown of them.
    pub(super) fn new(
        core: &'a Core,
        by: &'a Provisioner,
        filter: Option<&Filter>,
        shown: &Shown,
    ) -> Self {
        let equal = |attribute: &str| filter.and_then(|it| it.must_equal(attribute, None));
        let hash = |attribute: &str, value: &str| {
            core.people.directory_hash(by.directory, attribute, value)
        };
        let narrowed = directory_people::Narrowed {
            user: equal("id").map(str::to_owned),
            user_name: equal("userName").map(|it| hash("userName", &it.to_lowercase())),
            external_id: equal("externalId").map(|it| hash("externalId", it)),
        };
        let groups = shown.wants("groups") || filter.is_some_and(|it| it.mentions("groups"));
        Self { core, by, narrowed, groups }
    }

    /// One of that id.
    pub(super) fn one(core: &'a Core, by: &'a Provisioner, id: &str, shown: &Shown) -> Self {
        let narrowed =
            directory_people::Narrowed { user: Some(id.to_owned()), ..Default::default() };
        Self { core, by, narrowed, groups: shown.wants("groups") }
    }

    async fn write(&self, rows: &[directory_people::Row]) -> Result<Vec<Document>, ScimError> {
        let Self { core, by, .. } = self;
        let mut groups = match self.groups {
            true => self.groups_of(rows).await?,
            false => BTreeMap::new(),
        };
        let mut written = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(record) = core.read_record(by.tenant, row).await? else { continue };
            let mut document = record.whole();
            let place = (Resource::User, row.user.as_str());
            let times = (row.created_at, row.modified_at, row.version);
            head(&mut document, core, place, times);
            if let Some(groups) = groups.remove(&row.user) {
                document.insert("groups".to_owned(), groups.into());
            }
            written.push(document);
        }
        Ok(written)
    }

    async fn groups_of(
        &self,
        rows: &[directory_people::Row],
    ) -> Result<BTreeMap<String, Vec<Value>>, ScimError> {
        let Self { core, by, .. } = self;
        let ids: Vec<String> = rows.iter().map(|row| row.user.clone()).collect();
        let found = directory_groups::groups_of(&core.store, by.tenant, &ids).await?;
        let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        if found.is_empty() {
            return Ok(groups);
        }
        let all = directory_groups::all(&core.store, by.tenant, by.directory).await?;
        let names: BTreeMap<String, String> =
            all.into_iter().map(|row| (row.id, row.display_name)).collect();
        for (group, user) in found {
            // One of a directory before this one is none of its own.
            let Some(name) = names.get(&group) else { continue };
            groups.entry(user).or_default().push(json!({
                "value": group,
                "$ref": location(core, Resource::Group, &group),
                "display": name,
                "type": "direct",
            }));
        }
        Ok(groups)
    }
}

impl Source for Users<'_> {
    const RESOURCE: Resource = Resource::User;

    async fn count(&self) -> Result<usize, ScimError> {
        let count =
            directory_people::count(&self.core.store, self.by.tenant, self.by.directory).await?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    async fn page(&self, skip: usize, limit: usize) -> Result<(usize, Vec<Document>), ScimError> {
        let (tenant, directory) = (self.by.tenant, self.by.directory);
        let (store, narrowed) = (&self.core.store, &self.narrowed);
        let (skip, limit) = (in_database(skip), in_database(limit));
        let rows = directory_people::page(store, tenant, directory, narrowed, skip, limit).await?;
        Ok((rows.len(), self.write(&rows).await?))
    }
}

/// As far as a database counts.
pub(super) fn in_database(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX).min(i64::MAX.unsigned_abs())
}

/// Where a resource is.
pub(super) fn location(core: &Core, resource: Resource, id: &str) -> String {
    format!("{}/scim/v2/{}/{id}", core.issuer.issuer(), resource.endpoint())
}

/// How a version is written (RFC 7644, section 3.14).
pub(super) fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// What every resource has: when it was made and changed (microseconds), and its version.
pub(super) fn head(
    document: &mut Document,
    core: &Core,
    (resource, id): (Resource, &str),
    (created, modified, version): (i64, i64, i64),
) {
    document.insert("schemas".to_owned(), json!([resource.schema()]));
    document.insert("id".to_owned(), id.into());
    let meta = json!({
        "resourceType": resource.name(),
        "created": Timestamp::from_micros(created),
        "lastModified": Timestamp::from_micros(modified),
        "location": location(core, resource, id),
        "version": etag(version),
    });
    document.insert("meta".to_owned(), meta);
}

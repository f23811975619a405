//! Groups of a directory, and the roles of who is in them.

use std::collections::BTreeSet;

use serde_json::Value;
use studio_access::Resource;
use studio_events::{Expected, StreamAppend};
use studio_kernel::{Id, kind};

use super::{
    Provisioner, Seen, TRIES, busy,
    roles::{Follow, Group},
};
use crate::{
    commands::Core,
    domain::{
        directory_group::{
            DirectoryGroup, DirectoryGroupChanged, DirectoryGroupCreated, DirectoryGroupDeleted,
            DirectoryGroupEvent,
        },
        input,
    },
    projections::{directory_groups, directory_people, read_id},
    scim::{ScimError, ScimType, attributes::Resource as Kind, document::Document},
};

type GroupId = Id<kind::DirectoryGroup>;
type Members = BTreeSet<Id<kind::User>>;

/// Groups of one directory at most: all are looked at whenever roles follow.
const MOST: u64 = 5_000;

/// A group as it is, or is to be.
struct Wanted {
    display_name: String,
    external_id: Option<String>,
    members: Members,
}

impl Core {
    /// Makes a group.
    ///
    /// # Errors
    /// `uniqueness`; `invalidValue` for members that the directory did not provision.
    pub(crate) async fn provision_group(
        &self,
        by: &Provisioner,
        document: Document,
    ) -> Result<GroupId, ScimError> {
        self.with_roles_held(async {
            for _ in 0..TRIES {
                self.may_provision(by, Resource::any("DirectoryGroup", by.tenant), &[])?;
                if directory_groups::count(&self.store, by.tenant, by.directory).await? >= MOST {
                    let says = format!("A directory has {MOST} groups at most: delete some first.");
                    return Err(ScimError::status(axum::http::StatusCode::FORBIDDEN, says));
                }
                let id: GroupId = self.env.id();
                let wanted = self.wanted(by, &document, &Members::new()).await?;
                self.refuse_other_of_that_name(by, None, &wanted).await?;
                let created = DirectoryGroupCreated {
                    group: id,
                    directory: by.directory,
                    display_name: wanted.display_name.clone(),
                    external_id: wanted.external_id.clone(),
                    members: wanted.members.iter().copied().collect(),
                };
                let people = wanted.members.clone();
                let group = self.as_it_will_be(by, id, &wanted);
                let stream = StreamAppend::of::<DirectoryGroup>(
                    id.to_string(),
                    Expected::NoStream,
                    vec![created.into()],
                )?;
                if self.record_group(by, stream, group, &people).await?.is_some() {
                    return Ok(id);
                }
            }
            Err(busy())
        })
        .await
    }

    /// Changes a group: its name, its id, who is in it.
    ///
    /// # Errors
    /// Of `change`; 404, 412; `uniqueness`, `invalidValue`.
    pub(crate) async fn change_group(
        &self,
        by: &Provisioner,
        id: GroupId,
        seen: &Seen,
        change: impl Fn(Document) -> Result<Document, ScimError>,
    ) -> Result<(), ScimError> {
        self.with_roles_held(async {
            for _ in 0..TRIES {
                let (row, members) = self.group_of(by, id, seen).await?;
                let before = document_of(&row, &members);
                let wanted = self.wanted(by, &change(before)?, &members).await?;
                self.refuse_other_of_that_name(by, Some(&row.id), &wanted).await?;
                let changed = DirectoryGroupChanged {
                    group: id,
                    display_name: wanted.display_name.clone(),
                    external_id: wanted.external_id.clone(),
                    added: wanted.members.difference(&members).copied().collect(),
                    removed: members.difference(&wanted.members).copied().collect(),
                };
                let same = row.display_name == wanted.display_name
                    && row.external_id == wanted.external_id;
                if same && changed.added.is_empty() && changed.removed.is_empty() {
                    return Ok(());
                }
                // With another name it may give other roles, to whoever stays as well.
                let people = match same {
                    true => changed.added.iter().chain(&changed.removed).copied().collect(),
                    false => wanted.members.union(&members).copied().collect(),
                };
                let group = self.as_it_will_be(by, id, &wanted);
                if self.change_group_once(by, id, changed.into(), group, &people).await?.is_some() {
                    return Ok(());
                }
            }
            Err(busy())
        })
        .await
    }

    /// Deletes a group; the roles that it gave go.
    ///
    /// # Errors
    /// 404, 412.
    pub(crate) async fn delete_group(
        &self,
        by: &Provisioner,
        id: GroupId,
        seen: &Seen,
    ) -> Result<(), ScimError> {
        self.with_roles_held(async {
            for _ in 0..TRIES {
                let (_, members) = self.group_of(by, id, seen).await?;
                let group = Group { id, gives: Vec::new(), members: Members::new() };
                let deleted = DirectoryGroupDeleted { group: id }.into();
                if self.change_group_once(by, id, deleted, group, &members).await?.is_some() {
                    return Ok(());
                }
            }
            Err(busy())
        })
        .await
    }

    async fn change_group_once(
        &self,
        by: &Provisioner,
        id: GroupId,
        event: DirectoryGroupEvent,
        group: Group,
        people: &Members,
    ) -> Result<Option<()>, ScimError> {
        self.may_provision(by, Resource::one("DirectoryGroup", id, by.tenant), &[])?;
        let loaded = self.store.load::<DirectoryGroup>(by.tenant, &id.to_string()).await?;
        if !loaded.state.exists {
            return Err(missing(id));
        }
        let expected = Expected::Version(loaded.version);
        let stream = StreamAppend::of::<DirectoryGroup>(id.to_string(), expected, vec![event])?;
        self.record_group(by, stream, group, people).await
    }

    /// Records a change of a group with the roles that follow.
    async fn record_group(
        &self,
        by: &Provisioner,
        stream: StreamAppend,
        group: Group,
        people: &Members,
    ) -> Result<Option<()>, ScimError> {
        let follow = Follow {
            tenant: by.tenant,
            directory: by.directory,
            settings: &by.settings,
            managed: &by.settings.managed(),
            group: Some(group),
        };
        let (mut streams, changes) = self.roles_that_follow(&follow, people).await?;
        streams.insert(0, stream);
        let taken = "There is a group of that displayName already.";
        let Some(recorded) = self.append_provisioned(by, streams, taken).await? else {
            return Ok(None);
        };
        self.roles_followed(changes, &recorded);
        Ok(Some(()))
    }

    fn as_it_will_be(&self, by: &Provisioner, id: GroupId, wanted: &Wanted) -> Group {
        let gives = by.settings.given(&wanted.display_name, wanted.external_id.as_deref());
        Group { id, gives: gives.collect(), members: wanted.members.clone() }
    }

    async fn group_of(
        &self,
        by: &Provisioner,
        id: GroupId,
        seen: &Seen,
    ) -> Result<(directory_groups::Row, Members), ScimError> {
        let row = directory_groups::find(&self.store, by.tenant, by.directory, id).await?;
        let row = row.ok_or_else(|| missing(id))?;
        seen.check(row.version)?;
        let ids = [row.id.clone()];
        let members = directory_groups::members_of(&self.store, by.tenant, &ids).await?;
        let members = members.iter().map(|(_, user)| read_id(user)).collect::<Result<_, _>>()?;
        Ok((row, members))
    }

    /// What is wanted of a group. Whoever comes must be somebody whom the directory has provisioned.
    async fn wanted(
        &self,
        by: &Provisioner,
        document: &Document,
        before: &Members,
    ) -> Result<Wanted, ScimError> {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        let display_name = input::name("displayName", text("displayName").unwrap_or_default())?;
        let given = document.get("members").and_then(Value::as_array);
        let mut members = Members::new();
        for value in given.into_iter().flatten() {
            let id = value.get("value").and_then(Value::as_str).unwrap_or_default();
            members.insert(id.parse().map_err(|_| no_member(id))?);
        }
        let new: Vec<String> = members.difference(before).map(Id::to_string).collect();
        let known = directory_people::known(&self.store, by.tenant, by.directory, &new).await?;
        let known: BTreeSet<&str> = known.iter().map(|row| row.user.as_str()).collect();
        if let Some(stranger) = new.iter().find(|id| !known.contains(id.as_str())) {
            return Err(no_member(stranger));
        }
        Ok(Wanted { display_name, external_id: text("externalId").map(str::to_owned), members })
    }

    /// Roles hang on the name of a group: no two have the same.
    async fn refuse_other_of_that_name(
        &self,
        by: &Provisioner,
        own: Option<&str>,
        wanted: &Wanted,
    ) -> Result<(), ScimError> {
        let key = wanted.display_name.to_lowercase();
        let there = directory_groups::by_name(&self.store, by.tenant, by.directory, &key).await?;
        if there.is_some_and(|row| Some(row.id.as_str()) != own) {
            let says = "There is a group of that displayName already.";
            return Err(ScimError::new(ScimType::Uniqueness, says));
        }
        Ok(())
    }
}

/// A group as a directory writes it.
fn document_of(row: &directory_groups::Row, members: &Members) -> Document {
    let mut document = Document::new();
    document.insert("displayName".to_owned(), row.display_name.clone().into());
    if let Some(id) = &row.external_id {
        document.insert("externalId".to_owned(), id.clone().into());
    }
    if !members.is_empty() {
        let values = members.iter().map(|user| serde_json::json!({ "value": user }));
        document.insert("members".to_owned(), values.collect());
    }
    document
}

fn missing(id: GroupId) -> ScimError {
    ScimError::not_found(Kind::Group.name(), &id.to_string())
}

fn no_member(id: &str) -> ScimError {
    let id: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
    let says = format!("{id} is nobody whom this directory has provisioned: members are people.");
    ScimError::new(ScimType::InvalidValue, says)
}

//! Ids that follow from what they name, and fingerprints of content. The same finding, asset, run
//! or evidence gets the same id whenever and wherever it is met, so that nothing is made twice,
//! also after a kill. They are UUIDs of version 8 (RFC 9562, section 5.8) from SHA-256.
//!
//! Findings and assets come by the hundred thousand, and an index of random ids is slow to fill.
//! Their ids begin with a hash of what scanners write together (a check, a kind of resource), so
//! that those lie together in the indexes too.

use aws_lc_rs::digest::{Context, SHA256};
use studio_kernel::{Id, TenantId, Timestamp, id::Kind, kind};

use crate::domain::ObservedFinding;

/// Bytes of a resource's id that name its service, about: `arn:aws:s3:::…`.
const SERVICE: usize = 12;

/// SHA-256 over parts, each with its length before it, so that no two lists read alike.
struct Digest(Context);

impl Digest {
    fn of(space: &str) -> Self {
        Self(Context::new(&SHA256)).with(space.as_bytes())
    }

    fn with(mut self, part: &[u8]) -> Self {
        self.add(part);
        self
    }

    fn add(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    fn first<const N: usize>(self) -> [u8; N] {
        let mut first = [0; N];
        for (to, from) in first.iter_mut().zip(self.0.finish().as_ref()) {
            *to = *from;
        }
        first
    }

    fn id<K: Kind>(self) -> Id<K> {
        Id::from_uuid(uuid::Builder::from_custom_bytes(self.first()).into_uuid())
    }

    /// An id that lies beside the others of its neighbourhood.
    fn id_within<K: Kind>(self, neighbourhood: Self) -> Id<K> {
        let near: [u8; 4] = neighbourhood.first();
        let own: [u8; 12] = self.first();
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&near);
        bytes[4..].copy_from_slice(&own);
        Id::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// The run that brings these bytes into this project.
pub(crate) fn run(
    tenant: TenantId,
    project: Id<kind::Project>,
    sha256: &str,
) -> Id<kind::IngestRun> {
    scoped("run", tenant, project).with(sha256.as_bytes()).id()
}

/// The run that brings JSON in under a name, as it was at an instant.
pub(crate) fn handing_in(
    tenant: TenantId,
    project: Id<kind::Project>,
    name: &str,
    sha256: &str,
    collected_at: Timestamp,
) -> Id<kind::IngestRun> {
    scoped("handing-in", tenant, project)
        .with(name.as_bytes())
        .with(sha256.as_bytes())
        .with(&collected_at.micros().to_be_bytes())
        .id()
}

/// The evidence of a source in a project.
pub(crate) fn evidence(
    tenant: TenantId,
    project: Id<kind::Project>,
    source: &str,
) -> Id<kind::Evidence> {
    scoped("evidence", tenant, project).with(source.as_bytes()).id()
}

/// The asset of an account in a project.
pub(crate) fn asset(
    tenant: TenantId,
    project: Id<kind::Project>,
    account: &str,
    uid: &str,
) -> Id<kind::Asset> {
    // The beginning of an ARN names the service.
    let service = &uid.as_bytes()[..uid.len().min(SERVICE)];
    let near = scoped("assets", tenant, project).with(account.as_bytes()).with(service);
    scoped("asset", tenant, project).with(account.as_bytes()).with(uid.as_bytes()).id_within(near)
}

/// What a scanner calls a finding, and what the finding is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FindingName<'a> {
    /// The scanner's uid of it.
    pub(crate) uid: &'a str,
    /// The check.
    pub(crate) check: &'a str,
    /// The account.
    pub(crate) account: &'a str,
    /// The region.
    pub(crate) region: &'a str,
    /// The resource.
    pub(crate) resource: &'a str,
}

/// The finding of a scanner. What it is about belongs to its name: a scanner that gives the same
/// uid to another check or resource speaks of another finding.
pub(crate) fn finding(
    tenant: TenantId,
    project: Id<kind::Project>,
    name: FindingName<'_>,
) -> Id<kind::Finding> {
    let FindingName { uid, check, account, region, resource } = name;
    let mut digest = scoped("finding", tenant, project);
    [uid, check, account, region, resource].iter().for_each(|part| digest.add(part.as_bytes()));
    digest.id_within(scoped("findings", tenant, project).with(check.as_bytes()))
}

fn scoped(space: &str, tenant: TenantId, project: Id<kind::Project>) -> Digest {
    Digest::of(space).with(tenant.uuid().as_bytes()).with(project.uuid().as_bytes())
}

/// The fingerprint of what a finding says: equal fingerprints, unchanged findings.
pub(crate) fn content(finding: &ObservedFinding) -> i64 {
    let mut digest = Digest::of("content")
        .with(finding.status.as_str().as_bytes())
        .with(finding.severity.as_bytes())
        .with(finding.message.as_bytes());
    for asset in &finding.assets {
        for part in [&asset.uid, &asset.name, &asset.kind, &asset.region] {
            digest.add(part.as_bytes());
        }
    }
    i64::from_be_bytes(digest.first())
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;

    #[test]
    fn follow_from_what_they_name_and_nothing_else() {
        let env = Env::system();
        let (tenant, other): (TenantId, TenantId) = (env.id(), env.id());
        let project = env.id();
        assert_eq!(run(tenant, project, "a"), run(tenant, project, "a"));
        assert_ne!(run(tenant, project, "a"), run(other, project, "a"));
        assert_ne!(run(tenant, project, "a").uuid(), evidence(tenant, project, "a").uuid());
        let name = |uid, check| {
            let (account, region, resource) = ("1", "global", "arn");
            finding(tenant, project, FindingName { uid, check, account, region, resource })
        };
        assert_ne!(name("ab", "c"), name("a", "bc"));
        let near = |id: Id<kind::Finding>| id.uuid().as_fields().0;
        assert_eq!(near(name("a", "check")), near(name("b", "check")));
        assert_ne!(near(name("a", "check")), near(name("a", "other")));
        assert_eq!(run(tenant, project, "a").uuid().get_version_num(), 8);
    }
}

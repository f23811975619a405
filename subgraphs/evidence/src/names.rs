//! Ids that follow from what they name, and fingerprints of content. The same finding, asset, run
//! or evidence gets the same id whenever and wherever it is met, so that nothing is made twice,
//! also after a kill. They are UUIDs of version 8 (RFC 9562, section 5.8) from SHA-256.

use aws_lc_rs::digest::{Context, SHA256};
use studio_kernel::{Id, TenantId, id::Kind, kind};

use crate::domain::ObservedFinding;

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
}

/// The run that brings these bytes into this project.
pub(crate) fn run(
    tenant: TenantId,
    project: Id<kind::Project>,
    sha256: &str,
) -> Id<kind::IngestRun> {
    scoped("run", tenant, project).with(sha256.as_bytes()).id()
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
    scoped("asset", tenant, project).with(account.as_bytes()).with(uid.as_bytes()).id()
}

/// The finding of a scanner. What it is about belongs to its name: a scanner that gives the same
/// uid to another check or resource speaks of another finding.
pub(crate) fn finding(
    tenant: TenantId,
    project: Id<kind::Project>,
    parts: [&str; 5],
) -> Id<kind::Finding> {
    let mut digest = scoped("finding", tenant, project);
    parts.iter().for_each(|part| digest.add(part.as_bytes()));
    digest.id()
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
        let name = |parts| finding(tenant, project, parts);
        assert_ne!(name(["ab", "c", "", "", ""]), name(["a", "bc", "", "", ""]));
        assert_eq!(run(tenant, project, "a").uuid().get_version_num(), 8);
    }
}

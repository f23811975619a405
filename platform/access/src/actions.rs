//! Every action that a command or query may ask the policy about. An action that is not listed
//! here is refused, so that no operation can invent one that nobody decided on.

/// One thing that can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// `<subgraph>:<thing>:<verb>`, lower case. The verb `read` changes nothing.
    pub name: &'static str,
    /// What it means, in one line; `docs/access.md` repeats it word for word.
    pub meaning: &'static str,
}

macro_rules! actions {
    ($($name:literal $meaning:literal),* $(,)?) => {
        /// All actions, sorted by name.
        pub const ACTIONS: &[Action] = &[$(Action { name: $name, meaning: $meaning }),*];
    };
}

actions! {
    "ai:answer:read" "ask a question of the documents",
    "ai:index:update" "take a document's text into the search index",
    "ai:search:read" "search the documents' text",
    "controls:alert:acknowledge" "say that one has seen an alert on a score",
    "controls:alert:read" "see alerts on scores",
    "controls:alert:update" "set, change or remove an alert on a score",
    "controls:applicability:approve" "approve or refuse that a requirement does not apply",
    "controls:applicability:propose" "declare that a requirement does not apply",
    "controls:applicability:read" "see which requirements were declared not to apply",
    "controls:applicability:withdraw" "take back that a requirement does not apply",
    "controls:control:create" "state a control",
    "controls:control:read" "see controls",
    "controls:control:update" "change, review or retire a control, or take it back",
    "controls:crosswalk:approve" "approve or refuse a mapping between requirements",
    "controls:crosswalk:propose" "propose a mapping between requirements",
    "controls:crosswalk:read" "see mappings between requirements",
    "controls:crosswalk:withdraw" "take a mapping between requirements back",
    "controls:dependency:create" "say that one control depends on another",
    "controls:dependency:delete" "remove a dependency",
    "controls:dependency:read" "see dependencies",
    "controls:exception:approve" "approve or refuse an exception",
    "controls:exception:propose" "propose an exception",
    "controls:exception:read" "see exceptions",
    "controls:exception:revoke" "end an exception before its time",
    "controls:framework:adopt" "adopt a framework for a project",
    "controls:framework:import" "import a catalog or baseline",
    "controls:framework:read" "see frameworks and requirements",
    "controls:graph:read" "follow what rests on what, and what proves a requirement",
    "controls:mapping:create" "map a control to a requirement",
    "controls:mapping:delete" "remove a mapping",
    "controls:mapping:read" "see which controls meet which requirements",
    "controls:nonconformity:correct" "say what was done about a nonconformity",
    "controls:nonconformity:open" "open a nonconformity",
    "controls:nonconformity:read" "see nonconformities",
    "controls:nonconformity:verify" "verify what was done about a nonconformity",
    "controls:people:read" "see whose work is behind a score",
    "controls:project:archive" "archive a project, or restore it",
    "controls:project:create" "create a project",
    "controls:project:read" "see projects",
    "controls:project:update" "rename a project",
    "controls:score:read" "see scores and what they rest on",
    "controls:score:record" "record a score that was computed",
    "controls:target:update" "set or remove the target of a score",
    "controls:test:create" "add a test to a control",
    "controls:test:read" "see tests and their results",
    "controls:test:record" "record the result of a test",
    "controls:test:sign" "sign off or refuse the result of a test",
    "controls:test:update" "change or retire a test",
    "documents:document:declassify" "lower the data class of a document",
    "documents:document:read" "see and download documents",
    "documents:document:update" "change what is said about a document",
    "documents:document:upload" "upload a document or a new version",
    "evidence:asset:read" "see assets",
    "evidence:evidence:declassify" "lower the data class of evidence",
    "evidence:evidence:read" "see and download evidence",
    "evidence:evidence:update" "reject evidence, or raise its data class",
    "evidence:finding:read" "see findings",
    "evidence:run:ingest" "bring a scan in",
    "evidence:run:read" "see ingest runs",
    "extensions:field:read" "read what an extension adds to the graph",
    "extensions:field:update" "change something by what an extension adds to the graph",
    "identity:account:update" "change how one signs in oneself",
    "identity:app:allow" "let an app act for oneself",
    "identity:app:read" "see which apps act for people",
    "identity:app:revoke" "end what an app may do for somebody",
    "identity:audit:read" "read the audit log",
    "identity:client:create" "give a program of the organization access",
    "identity:client:read" "see the programs of the organization",
    "identity:client:revoke" "take the access of a program away",
    "identity:directory:manage" "connect a directory that provisions people, change or disconnect it",
    "identity:directory:provision" "add, change and suspend people, and give them the roles of their groups",
    "identity:directory:read" "see the directories that provision people",
    "identity:invitation:create" "invite a person by mail",
    "identity:invitation:read" "see whom the organization has invited",
    "identity:invitation:revoke" "take an invitation back",
    "identity:key:create" "make a key for a program of one's own",
    "identity:key:read" "see keys",
    "identity:key:revoke" "revoke a key",
    "identity:organization:read" "see the organization",
    "identity:policy:read" "ask what the policies decide",
    "identity:session:read" "see sessions, passkeys and second factors",
    "identity:session:revoke" "end a session",
    "identity:team:read" "see teams, what they give and who is in them",
    "identity:team:update" "make, change and delete teams, and say who is in them",
    "identity:user:create" "add a person",
    "identity:user:erase" "erase a person for good",
    "identity:user:export" "take out what is known of a person",
    "identity:user:read" "see the people of the organization",
    "identity:user:update" "change what a person may do",
    "identity:userinfo:read" "tell an app who one is",
}

/// The action of that name, if there is one.
pub fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.binary_search_by(|action| action.name.cmp(name)).ok().map(|at| &ACTIONS[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_unique_and_well_formed() {
        assert!(ACTIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for action in ACTIONS {
            let parts: Vec<_> = action.name.split(':').collect();
            assert_eq!(parts.len(), 3, "{}", action.name);
            assert!(
                parts.iter().all(|part| {
                    !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
                }),
                "{}",
                action.name
            );
            assert_eq!(find(action.name), Some(action));
        }
        assert_eq!(find("controls:control:explode"), None);
    }
}

//! Roles of several people that change in one append, with what causes it.

use studio_events::{EncodeError, Expected, Loaded, Recorded, StreamAppend};
use studio_kernel::{Aggregate, Id, kind};

use super::Core;
use crate::domain::user::{User, UserEvent};

/// Whose roles change, and into what.
#[derive(Default)]
pub(crate) struct RoleChanges(Vec<(Id<kind::User>, User, Vec<UserEvent>)>);

impl RoleChanges {
    /// Adds somebody, as they were loaded, with what happens to them; answers what to append of it, where
    /// anything does.
    pub(super) fn add(
        &mut self,
        user: Id<kind::User>,
        loaded: Loaded<User>,
        events: Vec<UserEvent>,
    ) -> Result<Option<StreamAppend>, EncodeError> {
        if events.is_empty() {
            return Ok(None);
        }
        let expected = Expected::Version(loaded.version);
        let stream = StreamAppend::of::<User>(user.to_string(), expected, events.clone())?;
        self.0.push((user, loaded.state, events));
        Ok(Some(stream))
    }
}

impl Core {
    /// Has the roles count from now on, in this process at once.
    pub(crate) fn roles_followed(&self, changes: RoleChanges, recorded: &[Recorded]) {
        for (user, mut state, events) in changes.0 {
            let stream = user.to_string();
            let of_them = recorded.iter().filter(|it| it.stream_id == stream);
            let Some(newest) = of_them.max_by_key(|it| it.position) else { continue };
            events.iter().for_each(|event| state.apply(event, newest.recorded_at));
            self.sessions.roles_are(user, state.held(), newest.position);
        }
    }
}

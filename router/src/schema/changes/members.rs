//! Changes of what a type belongs to and of what belongs to it, and of directives.

use super::{Changes, gone};
use crate::schema::{EnumValueDef, Schema};
use std::sync::Arc;

impl Changes {
    pub(super) fn interfaces(&mut self, name: &str, before: &[Arc<str>], after: &[Arc<str>]) {
        for interface in before.iter().filter(|one| !after.contains(one)) {
            self.breaking(name, format!("it does not implement {interface} any more"));
        }
        for interface in after.iter().filter(|one| !before.contains(one)) {
            self.dangerous(
                name,
                format!("it implements {interface} now: fragments on that meet it"),
            );
        }
    }

    pub(super) fn members(&mut self, name: &str, before: &[Arc<str>], after: &[Arc<str>]) {
        for member in before.iter().filter(|one| !after.contains(one)) {
            self.breaking(name, format!("{member} is no member any more"));
        }
        for member in after.iter().filter(|one| !before.contains(one)) {
            self.dangerous(name, format!("{member} is a member now"));
        }
    }

    pub(super) fn values(&mut self, name: &str, before: &[EnumValueDef], after: &[EnumValueDef]) {
        let has = |values: &[EnumValueDef], name: &str| values.iter().any(|one| &*one.name == name);
        for value in before.iter().filter(|value| !has(after, &value.name)) {
            let what = gone("value", value.deprecated.as_deref());
            self.breaking(format!("{name}.{}", value.name), what);
        }
        for value in after.iter().filter(|value| !has(before, &value.name)) {
            self.dangerous(format!("{name}.{}", value.name), "the value is new");
        }
    }

    /// Those that clients can write into their documents; others are no concern of theirs.
    pub(super) fn directives(&mut self, published: &Schema, next: &Schema) {
        for before in &published.directives {
            let at = format!("@{}", before.name);
            let Some(after) = next.directives.iter().find(|after| after.name == before.name) else {
                self.breaking(at, "the directive is gone");
                continue;
            };
            for location in before.locations.iter().filter(|one| !after.locations.contains(one)) {
                self.breaking(&at, format!("it may not stand at {location} any more"));
            }
            if before.repeatable && !after.repeatable {
                self.breaking(&at, "it may stand only once in a place now");
            }
            let place = |argument: &str| format!("{at}({argument}:)");
            self.inputs("argument", place, &before.arguments, &after.arguments);
        }
    }
}

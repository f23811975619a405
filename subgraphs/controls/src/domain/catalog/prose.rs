//! OSCAL prose as plain text: parameter insertions become their labels in square brackets, and
//! Markdown stays as it is written.

use std::collections::HashMap;

/// What is inserted for each parameter, by parameter id: a control's own, then those of what holds
/// it.
#[derive(Default)]
pub(super) struct Parameters<'a> {
    own: HashMap<String, String>,
    above: Option<&'a Parameters<'a>>,
}

impl<'a> Parameters<'a> {
    pub(super) fn within(above: &'a Parameters<'a>) -> Self {
        Self { own: HashMap::new(), above: Some(above) }
    }

    pub(super) fn set(&mut self, id: &str, shown: &str) {
        self.own.insert(id.to_owned(), shown.to_owned());
    }

    fn get(&self, id: &str) -> Option<&str> {
        self.own.get(id).map(String::as_str).or_else(|| self.above?.get(id))
    }
}

/// How deep the labels of parameters may hold parameters: a choice holds what it chooses.
const DEEPEST: usize = 4;
/// The longest text that insertions may make, in bytes: labels that hold each other grow fast.
const LONGEST: usize = 64 * 1024;

/// Replaces `{{ insert: param, ac-2_prm_1 }}` by `[label]`. What is not an insertion of a known
/// parameter stays as it is.
pub(super) fn insert(prose: &str, parameters: &Parameters<'_>) -> String {
    let mut text = prose.to_owned();
    for _level in 0..DEEPEST {
        if !text.contains("{{") || text.len() > LONGEST {
            break;
        }
        text = insert_once(&text, parameters);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn insert_once(prose: &str, parameters: &Parameters<'_>) -> String {
    let mut text = String::with_capacity(prose.len());
    let mut rest = prose;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start..].find("}}") else { break };
        text.push_str(&rest[..start]);
        let inside = rest[start + 2..start + length].trim();
        let parameter = inside
            .strip_prefix("insert:")
            .map(|inserted| {
                inserted.trim_start().trim_start_matches("param").trim_start_matches(',')
            })
            .map(str::trim);
        match parameter.and_then(|id| parameters.get(id)) {
            Some(label) if text.len() <= LONGEST => {
                text.push('[');
                text.push_str(label);
                text.push(']');
            }
            _ => text.push_str(&rest[start..start + length + 2]),
        }
        rest = &rest[start + length + 2..];
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_become_their_labels() {
        let mut above = Parameters::default();
        above.set("ac-1_prm_1", "roles");
        let parameters = Parameters::within(&above);
        assert_eq!(insert("to {{ insert: param, ac-1_prm_1 }}:", &parameters), "to [roles]:");
        above.set("p2", "one of: {{ insert: param, p3 }}");
        above.set("p3", "a, b");
        above.set("loop", "{{ insert: param, loop }} {{ insert: param, loop }}");
        let parameters = Parameters::within(&above);
        assert_eq!(insert("{{ insert: param, p2 }}", &parameters), "[one of: [a, b]]");
        assert!(insert("{{ insert: param, loop }}", &parameters).len() < 1_000);
        for odd in ["{{ insert: param, gone }}", "{{", "}} {{ x", "{{}}"] {
            assert_eq!(insert(odd, &parameters), odd);
        }
    }
}

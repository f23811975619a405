//! The scopes that somebody gives a program, checked.

use studio_kernel::ActionScope;

use super::input::Fault;

/// Scopes of one program at most.
const MOST: usize = 20;

/// Scopes, sorted and without repetition: at least one, and none that reaches nothing. `reaches` says
/// of a scope whether there is anything that a program may do by it.
pub fn scopes(
    field: &'static str,
    given: &[String],
    reaches: impl Fn(&ActionScope) -> bool,
) -> Result<Vec<ActionScope>, Fault> {
    let fault = |message: String| Fault::new("INVALID_SCOPE", field, message);
    if given.is_empty() {
        let message = "Give at least one scope, such as *:*:read or evidence:run:ingest.";
        return Err(Fault::new("NO_SCOPE", field, message));
    }
    if given.len() > MOST {
        return Err(fault(format!(
            "A program has at most {MOST} scopes: use * for what is alike."
        )));
    }
    let mut scopes = Vec::with_capacity(given.len());
    for text in given {
        let scope: ActionScope = text.parse().map_err(|error| fault(format!("{error}.")))?;
        if !reaches(&scope) {
            return Err(fault(format!(
                "{scope} reaches nothing that a program may do: docs/access.md lists the actions."
            )));
        }
        scopes.push(scope);
    }
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[&str]) -> Result<Vec<ActionScope>, &'static str> {
        let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
        let reaches = |scope: &ActionScope| scope.covers("controls:control:read");
        scopes("scopes", &given, reaches).map_err(|fault| fault.code)
    }

    #[test]
    fn scopes_are_sorted_and_reach_something() {
        let read_all = read(&["controls:*:read", "*:*:read", "controls:*:read"]).unwrap();
        let texts: Vec<_> = read_all.iter().map(ActionScope::as_str).collect();
        assert_eq!(texts, ["*:*:read", "controls:*:read"]);
        assert_eq!(read(&[]), Err("NO_SCOPE"));
        for bad in ["", "read", "controls:control:raed", "controls:control", "Controls:*:*"] {
            assert_eq!(read(&["*:*:read", bad]), Err("INVALID_SCOPE"), "{bad}");
        }
        assert_eq!(read(&["*:*:read"; 21]), Err("INVALID_SCOPE"));
    }
}

//! Runs a bundle's own tests: every rule whose name begins with `test_`, as OPA has them. One that is
//! true passes; `todo_test_` is left out.

use regorus::{Engine, Value};

use crate::{
    bundle::{Bundle, PolicyError},
    loaded::{ENTRY, engine},
};

/// What became of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// The rule, such as `data.studio.access_test.test_viewer`.
    pub name: String,
    /// Why it failed, with what it printed; `None` where it passed.
    pub failure: Option<String>,
}

impl Bundle {
    /// Runs its tests, in the order of their names.
    ///
    /// # Errors
    /// [`PolicyError`] where the bundle, its tests included, does not load.
    pub fn test(&self) -> Result<Vec<TestResult>, PolicyError> {
        let files: Vec<_> = self.files.iter().collect();
        let mut engine = engine(&files, self.data.as_deref())?;
        let compiled = engine
            .compile_with_entrypoint(&ENTRY.into())
            .map_err(|error| PolicyError::new(ENTRY, error))?;
        let is_test = |rule: &&String| {
            rule.rsplit_once('.').is_some_and(|(_, name)| name.starts_with("test_"))
        };
        let mut names: Vec<String> = compiled.get_rules().keys().filter(is_test).cloned().collect();
        names.sort();
        engine.set_gather_prints(true);
        Ok(names.into_iter().map(|name| run(&mut engine, name)).collect())
    }
}

fn run(engine: &mut Engine, name: String) -> TestResult {
    let failure = match engine.eval_rule(name.clone()) {
        Ok(Value::Bool(true)) => None,
        Ok(Value::Undefined) => Some("it is undefined".to_owned()),
        Ok(other) => Some(format!("it is {other}")),
        Err(error) => Some(error.to_string().trim().to_owned()),
    };
    let printed = engine.take_prints().unwrap_or_default();
    let failure = failure.map(|failure| {
        printed.iter().fold(failure, |told, line| format!("{told}\n{}", line.trim_end()))
    });
    TestResult { name, failure }
}

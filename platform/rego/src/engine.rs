//! The engine, with its clock.

use std::{num::NonZeroU32, sync::Once, time::Duration};

use regorus::{
    Engine, Value,
    utils::limits::{ExecutionTimerConfig, set_fallback_execution_timer_config},
};

/// How long one evaluation of an access policy may take. The default bundle takes less than a
/// thousandth of it; a process that is starved of its processor must not refuse because of it.
const LONGEST: Duration = Duration::from_millis(500);
/// Steps of an evaluation between looks at the clock.
const STEPS: NonZeroU32 = NonZeroU32::MIN.saturating_add(63);

/// How long one evaluation of a rule over evidence may take: evidence is larger than a request.
const LONGEST_OF_RULES: Duration = Duration::from_secs(2);
/// Each step may work through much of it.
const STEPS_OF_RULES: NonZeroU32 = NonZeroU32::MIN;

/// What a rule over evidence must not call, with how many arguments: what would answer otherwise
/// another time, what writes to the server's log, and what makes much of a short text.
const REFUSED: &[(&str, u8, &str)] = &[
    ("bits.lsh", 2, "it makes numbers of any length"),
    ("numbers.range", 2, "it makes lists of any length"),
    ("numbers.range_step", 3, "it makes lists of any length"),
    ("print", 1, "nobody would read it: say it in a result's message"),
    ("rand.intn", 2, "the same evidence must give the same results"),
    (
        "time.now_ns",
        0,
        "the same evidence must give the same results: how old evidence may be is \
      the test's validityDays",
    ),
    ("trace", 1, "nobody would read it: say it in a result's message"),
];

/// An engine whose evaluations end.
pub fn engine() -> Engine {
    static LIMITED: Once = Once::new();
    LIMITED.call_once(|| {
        let limit = ExecutionTimerConfig { limit: LONGEST, check_interval: STEPS };
        set_fallback_execution_timer_config(Some(limit));
    });
    Engine::new()
}

/// The same for a rule over evidence, without what such a rule must not call.
///
/// # Errors
/// Where the engine takes none of it, which no text of a rule can bring about.
pub(crate) fn engine_of_rules() -> Result<Engine, String> {
    let mut engine = engine();
    let limit = ExecutionTimerConfig { limit: LONGEST_OF_RULES, check_interval: STEPS_OF_RULES };
    engine.set_execution_timer_config(limit);
    for (name, arguments, why) in REFUSED {
        let refusal = format!("a rule over evidence cannot call {name}: {why}");
        let refuse = move |_: Vec<Value>| Err(anyhow::Error::msg(refusal.clone()));
        let added = engine.add_extension((*name).to_owned(), *arguments, Box::new(refuse));
        added.map_err(|error| error.to_string())?;
    }
    Ok(engine)
}

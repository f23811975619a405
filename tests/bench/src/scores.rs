//! The score engine alone: controls with five tests each, dependencies, four frameworks.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use studio_controls::domain::score::{
    Fact, Fixed, Implementation, Importance, Member, Model, Outcome, Statement, Strength,
    WeightedRequirement,
};
use studio_kernel::{Env, FixedEntropy, Id, ManualClock, Timestamp, kind};

const TESTS: usize = 5;
const FRAMEWORKS: usize = 4;

pub(crate) fn run(count: usize) -> anyhow::Result<()> {
    ensure!(count > 0, "give at least one control");
    let now = Timestamp::from_micros(1_800_000_000_000_000);
    let env = Env::new(ManualClock::at(now), FixedEntropy::seeded(1));
    let (mut model, controls, tests) = model(&env, count)?;
    model.recompute(now)?;

    let mut full = samples(200, || model.recompute_all(now).map(drop))?;
    let mut next = 0;
    let mut incremental = Vec::new();
    for _ in 0..5000 {
        next += 1;
        let outcome = if next % 2 == 0 { Outcome::Passed } else { Outcome::Failed };
        let fact = result(tests[(next * 7919) % tests.len()], outcome, now)?;
        let began = Instant::now();
        model.apply(&fact);
        model.recompute(now)?;
        incremental.push(began.elapsed());
    }
    // What a change costs on top while a query reads the model.
    let mut copies = samples(50, || {
        drop(std::hint::black_box(model.clone()));
        Ok::<_, std::convert::Infallible>(())
    })?;
    copies.sort_unstable();
    // What would be left without one control, whichever it is.
    next = 0;
    let mut losses = samples(5000, || {
        next += 7919;
        std::hint::black_box(model.loss(controls[next % count]));
        anyhow::Ok(())
    })?;
    losses.sort_unstable();
    full.sort_unstable();
    incremental.sort_unstable();

    println!("\n## Scores: {count} controls, {} tests, {FRAMEWORKS} frameworks\n", tests.len());
    println!("| recompute | p50 ms | p99 ms | of full |");
    println!("|---|---|---|---|");
    let base = crate::percentile(&full, 0.5).as_secs_f64();
    for (name, sorted) in [
        ("full", &full),
        ("incremental, one fact", &incremental),
        ("a copy, as for a change while a query reads", &copies),
        ("impact of one control, in points", &losses),
    ] {
        let [p50, p99] = [0.5, 0.99].map(|share| crate::percentile(sorted, share).as_secs_f64());
        println!("| {name} | {:.4} | {:.4} | {:.5} |", p50 * 1e3, p99 * 1e3, p50 / base);
    }
    Ok(())
}

fn samples<E>(count: usize, mut run: impl FnMut() -> Result<(), E>) -> Result<Vec<Duration>, E> {
    (0..count)
        .map(|_| {
            let began = Instant::now();
            run()?;
            Ok(began.elapsed())
        })
        .collect()
}

type Stated = (Model, Vec<Id<kind::Control>>, Vec<Id<kind::ControlTest>>);

fn model(env: &Env, count: usize) -> anyhow::Result<Stated> {
    let mut model = Model::default();
    let mut say = |statement| -> anyhow::Result<()> {
        model.apply(&Fact::new(statement)?);
        Ok(())
    };
    let controls: Vec<Id<kind::Control>> = (0..count).map(|_| env.id()).collect();
    let mut tests = Vec::new();
    for (index, &control) in controls.iter().enumerate() {
        let implementation = Implementation::Implemented;
        say(Statement::ControlStated { control, implementation, retired: false })?;
        for _ in 0..TESTS {
            let test = env.id();
            tests.push(test);
            say(Statement::TestStated {
                test,
                control,
                weight: Fixed::ONE,
                key: false,
                validity_days: 30,
                check: None,
            })?;
        }
        // Chains of ten, as an access control rests on a directory, which rests on a network …
        if index % 10 != 0 {
            let on = controls[index - 1];
            say(Statement::DependencyStated { control, on, strength: Strength::Half })?;
        }
    }
    for framework in 0..FRAMEWORKS {
        let requirements: Vec<Id<kind::Requirement>> = (0..250).map(|_| env.id()).collect();
        let weighted = requirements
            .iter()
            .map(|&requirement| WeightedRequirement { requirement, importance: Importance::Normal })
            .collect();
        say(Statement::FrameworkAdopted { framework: env.id(), requirements: weighted })?;
        for (index, &requirement) in requirements.iter().enumerate() {
            for member in 0..2 {
                let control = controls[(index * FRAMEWORKS + framework + member * 17) % count];
                let member = Member::Control(control);
                let share = Fixed::from_f64(0.5).context("a half")?;
                say(Statement::MemberStated { requirement, member, share })?;
            }
        }
    }
    for &test in &tests {
        model.apply(&result(test, Outcome::Passed, env.now())?);
    }
    Ok((model, controls, tests))
}

fn result(test: Id<kind::ControlTest>, outcome: Outcome, now: Timestamp) -> anyhow::Result<Fact> {
    Ok(Fact::new(Statement::ManualResult {
        test,
        outcome,
        effective_from: now,
        effective_to: None,
        collected_at: now,
        recorded_at: now,
        evidence: None,
    })?)
}

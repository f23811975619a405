//! Stating and changing controls, their memberships, tests and dependencies.

use std::collections::BTreeSet;

use async_graphql::{Context, MaybeUndefined, Object, Result, SimpleObject};
use studio_kernel::{Id, kind};
use studio_service::graphql::{UserError, actor, id};

use super::{
    app,
    control::Control,
    dependency::ControlDependency,
    inputs::{
        AddDependencyInput, AddTestInput, CreateControlInput, MapRequirementInput,
        ReinstateControlInput, RemoveDependencyInput, RetireControlInput, ReviewControlInput,
        UnmapRequirementInput, UpdateControlInput,
    },
    loaders,
    reach::DependencyCycle,
    requirement::Requirement,
    settle,
    test::ControlTest,
};
use crate::{
    commands::{self, CommandError, Said},
    domain::{
        project::{Assessment, ControlChange, NewControl, NewMapping, NewTest},
        score::Fixed,
    },
};

/// What mutations of a control answer.
#[derive(SimpleObject)]
pub(super) struct ControlPayload {
    /// The control as it is now; null where there are user errors.
    control: Option<Control>,
    /// What you can mend.
    user_errors: Vec<UserError>,
}

/// What mapRequirement and unmapRequirement answer.
#[derive(SimpleObject)]
pub(super) struct MapRequirementPayload {
    /// The requirement; null where there are user errors.
    requirement: Option<Requirement>,
    /// The control; null where there are user errors.
    control: Option<Control>,
    /// What you can mend.
    user_errors: Vec<UserError>,
}

/// What mutations of a test answer.
#[derive(SimpleObject)]
pub(super) struct ControlTestPayload {
    /// The test; null where there are user errors.
    test: Option<ControlTest>,
    /// What you can mend.
    user_errors: Vec<UserError>,
}

/// What addDependency answers.
#[derive(SimpleObject)]
pub(super) struct ControlDependencyPayload {
    /// The dependency; null where there are user errors.
    dependency: Option<ControlDependency>,
    /// The control that rests on the other one; null where there are user errors.
    control: Option<Control>,
    /// The circle that the dependency closes: then these controls all rest on each other, and a loss
    /// of one reaches all of them. That is allowed; null where it closes none.
    closes_cycle: Option<DependencyCycle>,
    /// What you can mend.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub(crate) struct ControlMutations;

#[Object]
impl ControlMutations {
    /// States a control.
    async fn create_control(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The control.")] input: CreateControlInput,
    ) -> Result<ControlPayload> {
        let requirements: BTreeSet<Id<kind::Requirement>> =
            input.requirement_ids.iter().flatten().map(id).collect::<Result<_>>()?;
        let new = NewControl {
            code: input.code,
            title: input.title,
            description: input.description.unwrap_or_default(),
            implementation: input.implementation.into(),
            owner: input.owner_id.as_ref().map(id).transpose()?,
            scope: input.scope.unwrap_or_default(),
            review_every_days: input.review_every_days,
            requirements,
        };
        let project = id(&input.project_id)?;
        let made = commands::create_control(app(ctx)?, actor(ctx)?, project, &new).await;
        control_payload(ctx, made).await
    }

    /// Changes a control. What is left out of the input stays as it is.
    async fn update_control(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: UpdateControlInput,
    ) -> Result<ControlPayload> {
        let control = id(&input.id)?;
        let change = ControlChange {
            title: input.title,
            description: match input.description {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(String::new()),
                MaybeUndefined::Value(description) => Some(description),
            },
            implementation: input.implementation.map(Into::into),
            owner: match input.owner_id {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(owner) => Some(Some(id(&owner)?)),
            },
            scope: match input.scope {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(String::new()),
                MaybeUndefined::Value(scope) => Some(scope),
            },
            review_every_days: match input.review_every_days {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(days) => Some(Some(days)),
            },
        };
        let changed = commands::update_control(
            app(ctx)?,
            actor(ctx)?,
            control,
            input.expected_version,
            &change,
        )
        .await;
        control_payload(ctx, changed.map(|()| control)).await
    }

    /// Retires a control: it is a member of nothing any more, and what rests on it loses it.
    async fn retire_control(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The control.")] input: RetireControlInput,
    ) -> Result<ControlPayload> {
        let control = id(&input.id)?;
        let version = input.expected_version;
        let retired =
            commands::retire_control(app(ctx)?, actor(ctx)?, control, version, &input.reason).await;
        control_payload(ctx, retired.map(|()| control)).await
    }

    /// Takes a retired control into force again, as planned: say anew how far it is in place.
    async fn reinstate_control(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The control.")] input: ReinstateControlInput,
    ) -> Result<ControlPayload> {
        let control = id(&input.id)?;
        let said = Said { expected: input.expected_version, reason: &input.reason };
        let done = commands::reinstate_control(app(ctx)?, actor(ctx)?, control, said).await;
        control_payload(ctx, done.map(|()| control)).await
    }

    /// Confirms that a control is right as it is stated. It moves no score.
    async fn review_control(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The review.")] input: ReviewControlInput,
    ) -> Result<ControlPayload> {
        let control = id(&input.id)?;
        let (version, note) = (input.expected_version, input.note.unwrap_or_default());
        let done = commands::review_control(app(ctx)?, actor(ctx)?, control, version, &note).await;
        control_payload(ctx, done.map(|()| control)).await
    }

    /// Makes a control a member of a requirement, by itself or within an any-of group.
    async fn map_requirement(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The membership.")] input: MapRequirementInput,
    ) -> Result<MapRequirementPayload> {
        let Some(share) = Fixed::from_f64(input.share) else {
            let message = "The share must be a number above 0 and at most 1000.";
            return Ok(MapRequirementPayload {
                requirement: None,
                control: None,
                user_errors: vec![UserError::field("INVALID", "share", message)],
            });
        };
        let new = NewMapping {
            requirement: id(&input.requirement_id)?,
            control: id(&input.control_id)?,
            share,
            group: input.any_of,
        };
        let project = id(&input.project_id)?;
        let mapped = commands::map_requirement(app(ctx)?, actor(ctx)?, project, &new).await;
        map_payload(ctx, mapped, new.requirement, new.control).await
    }

    /// Ends the membership of a control in a requirement.
    async fn unmap_requirement(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The membership.")] input: UnmapRequirementInput,
    ) -> Result<MapRequirementPayload> {
        let (requirement, control) = (id(&input.requirement_id)?, id(&input.control_id)?);
        let project = id(&input.project_id)?;
        let unmapped =
            commands::unmap_requirement(app(ctx)?, actor(ctx)?, project, requirement, control)
                .await;
        map_payload(ctx, unmapped, requirement, control).await
    }

    /// Adds a test to a control.
    async fn add_test(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The test.")] input: AddTestInput,
    ) -> Result<ControlTestPayload> {
        let new = NewTest {
            control: id(&input.control_id)?,
            title: input.title,
            check: input.check,
            weight: input.weight,
            key: input.key,
            validity_days: input.validity_days,
            assessment: Assessment {
                method: input.method.map(Into::into),
                procedure: input.procedure.unwrap_or_default(),
                sign_off: input.sign_off.into(),
            },
        };
        let added = commands::add_test(app(ctx)?, actor(ctx)?, &new).await;
        test_payload(ctx, added).await
    }

    /// States that a control rests on another one: it can be no better than that one lets it be.
    async fn add_dependency(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The dependency.")] input: AddDependencyInput,
    ) -> Result<ControlDependencyPayload> {
        let (control, depends_on) = (id(&input.control_id)?, id(&input.depends_on_id)?);
        let strength = input.strength.into();
        let added =
            commands::add_dependency(app(ctx)?, actor(ctx)?, control, depends_on, strength).await;
        Ok(match settle(added)? {
            Ok(depends) => {
                let row = loaders(ctx)?.dependencies(depends.dependency.to_string()).await?;
                ControlDependencyPayload {
                    dependency: row.map(ControlDependency),
                    control: load_control(ctx, control).await?,
                    closes_cycle: depends.circle.map(DependencyCycle),
                    user_errors: Vec::new(),
                }
            }
            Err(user_errors) => ControlDependencyPayload {
                dependency: None,
                control: None,
                closes_cycle: None,
                user_errors,
            },
        })
    }

    /// Ends a dependency.
    async fn remove_dependency(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The dependency.")] input: RemoveDependencyInput,
    ) -> Result<ControlPayload> {
        let (control, depends_on) = (id(&input.control_id)?, id(&input.depends_on_id)?);
        let removed =
            commands::remove_dependency(app(ctx)?, actor(ctx)?, control, depends_on).await;
        control_payload(ctx, removed.map(|()| control)).await
    }
}

async fn load_control(ctx: &Context<'_>, id: Id<kind::Control>) -> Result<Option<Control>> {
    Ok(loaders(ctx)?.controls(id.to_string()).await?.map(Control))
}

async fn control_payload(
    ctx: &Context<'_>,
    outcome: std::result::Result<Id<kind::Control>, CommandError>,
) -> Result<ControlPayload> {
    Ok(match settle(outcome)? {
        Ok(control) => {
            ControlPayload { control: load_control(ctx, control).await?, user_errors: Vec::new() }
        }
        Err(user_errors) => ControlPayload { control: None, user_errors },
    })
}

async fn map_payload(
    ctx: &Context<'_>,
    outcome: std::result::Result<(), CommandError>,
    requirement: Id<kind::Requirement>,
    control: Id<kind::Control>,
) -> Result<MapRequirementPayload> {
    Ok(match settle(outcome)? {
        Ok(()) => {
            let row = loaders(ctx)?.requirements(requirement.to_string()).await?;
            MapRequirementPayload {
                requirement: row.map(Requirement),
                control: load_control(ctx, control).await?,
                user_errors: Vec::new(),
            }
        }
        Err(user_errors) => MapRequirementPayload { requirement: None, control: None, user_errors },
    })
}

pub(super) async fn test_payload(
    ctx: &Context<'_>,
    outcome: std::result::Result<Id<kind::ControlTest>, CommandError>,
) -> Result<ControlTestPayload> {
    Ok(match settle(outcome)? {
        Ok(test) => {
            let row = loaders(ctx)?.tests(test.to_string()).await?;
            ControlTestPayload { test: row.map(ControlTest), user_errors: Vec::new() }
        }
        Err(user_errors) => ControlTestPayload { test: None, user_errors },
    })
}

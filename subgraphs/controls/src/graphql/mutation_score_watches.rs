//! Setting what scores are watched for: targets and alerts.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use studio_kernel::{Id, kind};
use studio_service::graphql::{UserError, actor, id, wire};

use super::{
    app,
    inputs_score_watch::{
        AcknowledgeScoreAlertInput, ChangeScoreAlertInput, CreateScoreAlertInput,
        RemoveScoreAlertInput, RemoveScoreTargetInput, SetScoreTargetInput,
    },
    loaders, score,
    score_alert::ScoreAlert,
    score_target::{self, ScoreTarget},
    settle,
};
use crate::{
    commands::{self, CommandError},
    domain::score_watch::{AlertId, AlertTerms},
};

/// What setScoreTarget and removeScoreTarget answer.
#[derive(SimpleObject)]
pub(super) struct ScoreTargetPayload {
    /// The target as it is now; null where there is none, and where there are user errors.
    target: Option<ScoreTarget>,
    /// What you can mend.
    user_errors: Vec<UserError>,
}

/// What mutations of an alert answer.
#[derive(SimpleObject)]
pub(super) struct ScoreAlertPayload {
    /// The alert as it is now; null where there are user errors.
    alert: Option<ScoreAlert>,
    /// What you can mend.
    user_errors: Vec<UserError>,
}

/// What removeScoreAlert answers.
#[derive(SimpleObject)]
pub(super) struct RemoveScoreAlertPayload {
    /// The alert that is no more; null where there are user errors.
    removed_id: Option<ID>,
    /// What you can mend.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub(crate) struct ScoreWatchMutations;

#[Object]
impl ScoreWatchMutations {
    /// Sets where the score of a framework is to be and by when, or another target in its place.
    async fn set_score_target(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The target.")] input: SetScoreTargetInput,
    ) -> Result<ScoreTargetPayload> {
        let of = (id(&input.project_id)?, id(&input.framework_id)?);
        let (terms, expected) = (input.terms()?, input.expected_version);
        let set = commands::set_score_target(app(ctx)?, actor(ctx)?, of, terms, expected).await;
        target(ctx, of, set).await
    }

    /// Removes the target of a framework.
    async fn remove_score_target(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The target.")] input: RemoveScoreTargetInput,
    ) -> Result<ScoreTargetPayload> {
        let of = (id(&input.project_id)?, id(&input.framework_id)?);
        let expected = input.expected_version;
        let removed = commands::remove_score_target(app(ctx)?, actor(ctx)?, of, expected).await;
        target(ctx, of, removed).await
    }

    /// Sets an alert on the score of a framework. Where the score is there already, it is raised at
    /// once.
    async fn create_score_alert(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The alert.")] input: CreateScoreAlertInput,
    ) -> Result<ScoreAlertPayload> {
        let of = (id(&input.project_id)?, id(&input.framework_id)?);
        let terms = input.when.read().map(|when| AlertTerms { name: input.name, when });
        let created = commands::create_score_alert(app(ctx)?, actor(ctx)?, of, terms).await;
        alert(ctx, created).await
    }

    /// Changes the name of an alert, or when it is raised.
    async fn change_score_alert(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: ChangeScoreAlertInput,
    ) -> Result<ScoreAlertPayload> {
        let key = id(&input.id)?;
        let change = |known: &AlertTerms| {
            Ok(AlertTerms {
                name: input.name.clone().unwrap_or_else(|| known.name.clone()),
                when: input.when.as_ref().map_or(Ok(known.when), |when| when.read())?,
            })
        };
        let expected = input.expected_version;
        let changed =
            commands::change_score_alert(app(ctx)?, actor(ctx)?, key, expected, change).await;
        alert(ctx, changed.map(|()| key)).await
    }

    /// Removes an alert. Where it is raised, it is cleared.
    async fn remove_score_alert(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The alert.")] input: RemoveScoreAlertInput,
    ) -> Result<RemoveScoreAlertPayload> {
        let key = id(&input.id)?;
        let expected = input.expected_version;
        let removed = commands::remove_score_alert(app(ctx)?, actor(ctx)?, key, expected).await;
        Ok(match settle(removed)? {
            Ok(()) => {
                RemoveScoreAlertPayload { removed_id: Some(wire(key)), user_errors: Vec::new() }
            }
            Err(user_errors) => RemoveScoreAlertPayload { removed_id: None, user_errors },
        })
    }

    /// Says that you have seen that an alert was raised. It stays raised until the score is back.
    async fn acknowledge_score_alert(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The alert.")] input: AcknowledgeScoreAlertInput,
    ) -> Result<ScoreAlertPayload> {
        let key = id(&input.id)?;
        let seen = input.raising;
        let done = commands::acknowledge_score_alert(app(ctx)?, actor(ctx)?, key, seen).await;
        alert(ctx, done.map(|()| key)).await
    }
}

async fn target(
    ctx: &Context<'_>,
    (project, framework): (Id<kind::Project>, Id<kind::Framework>),
    outcome: std::result::Result<(), CommandError>,
) -> Result<ScoreTargetPayload> {
    Ok(match settle(outcome)? {
        Ok(()) => {
            let view = score::view(ctx, project, None, None).await?;
            let target = score_target::one(ctx, project, framework, &view).await?;
            ScoreTargetPayload { target, user_errors: Vec::new() }
        }
        Err(user_errors) => ScoreTargetPayload { target: None, user_errors },
    })
}

async fn alert(
    ctx: &Context<'_>,
    outcome: std::result::Result<AlertId, CommandError>,
) -> Result<ScoreAlertPayload> {
    Ok(match settle(outcome)? {
        Ok(id) => {
            let row = loaders(ctx)?.alerts(id.to_string()).await?;
            ScoreAlertPayload { alert: row.map(ScoreAlert), user_errors: Vec::new() }
        }
        Err(user_errors) => ScoreAlertPayload { alert: None, user_errors },
    })
}

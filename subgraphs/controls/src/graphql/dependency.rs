//! Dependencies between controls.

use async_graphql::{Context, ID, Object, Result};
use studio_entities::controls::dependency;

use super::{control::Control, enums::DependencyStrength, loaders, loaders::there};

/// A control can be no better than what it rests on lets it be.
pub(super) struct ControlDependency(pub(super) dependency::Model);

/// A control can be no better than what it rests on lets it be.
#[Object]
impl ControlDependency {
    /// The dependency's id.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// The control that rests on another one.
    async fn control(&self, ctx: &Context<'_>) -> Result<Control> {
        let row = loaders(ctx)?.controls(self.0.control.clone()).await?;
        Ok(Control(there(row, "control")?))
    }

    /// The control that it rests on.
    async fn depends_on(&self, ctx: &Context<'_>) -> Result<Control> {
        let row = loaders(ctx)?.controls(self.0.depends_on.clone()).await?;
        Ok(Control(there(row, "control")?))
    }

    /// How strongly.
    async fn strength(&self) -> DependencyStrength {
        DependencyStrength::of(&self.0.strength)
    }
}

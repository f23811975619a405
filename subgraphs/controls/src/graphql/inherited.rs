//! What a requirement inherits, as it counts.

use async_graphql::{Context, Object, Result, SimpleObject};

use super::{crosswalk::ControlMapping, loaders, loaders::there, requirement::Requirement};
use crate::domain::score;

/// What a requirement inherits over approved mappings: it counts where that is more than what is
/// proven by its own controls.
#[derive(SimpleObject, Clone)]
pub(super) struct Inherited {
    /// What is proven at the source by its own controls, 0 to 1.
    source_lo: f64,
    /// What of it arrives, 0 to 1: what the mappings on the way carry, multiplied.
    lo: f64,
    /// How much of what arrives is decided, 0 to 1.
    decided: f64,
    /// The way, from the nearest requirement to the source: one mapping or two.
    hops: Vec<InheritanceHop>,
}

impl Inherited {
    pub(super) fn of(inherited: &score::Inherited) -> Self {
        Self {
            source_lo: inherited.source.lo.to_f64(),
            lo: inherited.value.lo.to_f64(),
            decided: inherited.value.decided.to_f64(),
            hops: inherited.hops.iter().copied().map(InheritanceHop).collect(),
        }
    }
}

/// A mapping on the way from a source.
#[derive(Clone, Copy)]
pub(super) struct InheritanceHop(score::Hop);

/// A mapping on the way from a source.
#[Object]
impl InheritanceHop {
    /// The requirement that it comes from.
    async fn requirement(&self, ctx: &Context<'_>) -> Result<Requirement> {
        let row = loaders(ctx)?.requirements(self.0.from.to_string()).await?;
        Ok(Requirement(there(row, "requirement")?))
    }

    /// The mapping.
    async fn mapping(&self, ctx: &Context<'_>) -> Result<ControlMapping> {
        let row = loaders(ctx)?.mappings(self.0.mapping.to_string()).await?;
        Ok(ControlMapping(there(row, "mapping")?))
    }

    /// What it carries, 0.1 to 1.
    async fn carries(&self) -> f64 {
        f64::from(self.0.tenths) / 10.0
    }
}

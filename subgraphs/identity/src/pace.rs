//! How often somebody may ask who has not shown who they are, or has shown it by a program: counted by the
//! port of limits, so that another replica is no second chance. By the network where that is a public one, and by the program once it is known which one asks: nobody uses up
//! what is another's, where there is a secret to show.

use std::{sync::Arc, time::Duration};

use studio_kernel::{Id, Origin, kind};
use studio_service::ApiError;
use studio_stores::limits::{Limits, LimitsError, Quota};

const MINUTE: Duration = Duration::from_secs(60);
/// What one program may ask of one endpoint that has shown its secret;
const PROVEN: Quota = Quota { burst: 120, per: MINUTE };
/// what may be asked in the name of one that has not, which anybody can write: more than one address may ask;
const NAMED: Quota = Quota { burst: 600, per: MINUTE };
/// what one network may, behind which many may be;
const ADDRESS: Quota = Quota { burst: 300, per: MINUTE };
/// and how many links to another password one network may ask for, whoever they are for.
const RESETS: Quota = Quota { burst: 20, per: Duration::from_secs(600) };

/// Why something is not even looked at.
#[derive(Debug)]
pub(crate) enum TooFast {
    /// After that many seconds it is.
    Wait(u64),
    /// A fault of ours.
    Ours(ApiError),
}

impl From<LimitsError> for TooFast {
    fn from(error: LimitsError) -> Self {
        Self::Ours(ApiError::internal(error))
    }
}

/// Counts what is asked.
pub(crate) struct Pace(Arc<dyn Limits>);

impl Pace {
    pub(crate) fn new(limits: Arc<dyn Limits>) -> Self {
        Self(limits)
    }

    /// Somebody asks an endpoint from somewhere.
    pub(crate) async fn address(&self, of: &str, from: Option<&Origin>) -> Result<(), TooFast> {
        match from.and_then(Origin::public_network) {
            Some(network) => self.check(of, &network, ADDRESS).await,
            None => Ok(()),
        }
    }

    /// A program asks an endpoint, which has shown its secret.
    pub(crate) async fn proven(
        &self,
        of: &str,
        client: Id<kind::OAuthClient>,
    ) -> Result<(), TooFast> {
        self.check(of, &client.to_string(), PROVEN).await
    }

    /// Somebody asks an endpoint in the name of a program.
    pub(crate) async fn named(
        &self,
        of: &str,
        client: Id<kind::OAuthClient>,
    ) -> Result<(), TooFast> {
        self.check(of, &client.to_string(), NAMED).await
    }

    /// Somebody asks for a link to another password from somewhere.
    pub(crate) async fn reset(&self, from: Option<&Origin>) -> Result<(), TooFast> {
        match from.and_then(Origin::public_network) {
            Some(network) => self.check("password-reset", &network, RESETS).await,
            None => Ok(()),
        }
    }

    async fn check(&self, of: &str, whose: &str, quota: Quota) -> Result<(), TooFast> {
        let decision = self.0.check(&format!("pace-{of}:{whose}"), quota, 1).await?;
        if decision.allowed {
            return Ok(());
        }
        let wait = decision.retry_after;
        Err(TooFast::Wait(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)))
    }
}

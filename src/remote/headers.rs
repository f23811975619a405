//! What a subgraph of somebody else is told with each request.

use std::collections::BTreeMap;

use anyhow::Context;
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use studio_kernel::Actor;
use studio_router::{Caller, transport::CallHeaders};
use studio_service::config::Secret;

use crate::gateway::Token;

/// The headers of requests to one subgraph.
pub(super) struct Headers {
    fixed: HeaderMap,
    /// Whether the client's `Authorization` goes on.
    forward_authorization: bool,
    /// The header with the caller's organization.
    organization: Option<HeaderName>,
}

impl Headers {
    pub(super) fn new(
        fixed: &BTreeMap<String, Secret>,
        forward_authorization: bool,
        organization: Option<&str>,
    ) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        for (name, text) in fixed {
            // What is wrong with a secret is not said: the message would show it.
            let value = HeaderValue::try_from(text.expose());
            let mut value = value.ok().with_context(|| {
                format!("its header {name} has a value that no header can have")
            })?;
            value.set_sensitive(true);
            headers.insert(HeaderName::try_from(name.as_str())?, value);
        }
        let organization = organization.map(HeaderName::try_from).transpose()?;
        Ok(Self { fixed: headers, forward_authorization, organization })
    }
}

impl CallHeaders for Headers {
    fn add(&self, caller: &Caller, headers: &mut HeaderMap) {
        if !self.forward_authorization {
            headers.remove(AUTHORIZATION);
        } else if let Some(Token(token)) = caller.extensions.get() {
            headers.insert(AUTHORIZATION, token.clone());
        }
        if let Some(name) = &self.organization {
            headers.remove(name);
            let tenant = caller.extensions.get::<Actor>().map(|actor| actor.tenant.to_string());
            if let Some(Ok(value)) = tenant.map(HeaderValue::try_from) {
                headers.insert(name.clone(), value);
            }
        }
        for (name, value) in &self.fixed {
            headers.insert(name.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(headers: &Headers, caller: &Caller) -> Vec<(String, String)> {
        let mut told = HeaderMap::new();
        told.insert(AUTHORIZATION, HeaderValue::from_static("Bearer of-the-client"));
        headers.add(caller, &mut told);
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        told.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
    }

    #[test]
    fn the_clients_token_goes_on_only_where_it_is_said() {
        let caller = Caller::default();
        let none = BTreeMap::new();
        assert!(told(&Headers::new(&none, false, None).unwrap(), &caller).is_empty());
        let on = told(&Headers::new(&none, true, None).unwrap(), &caller);
        assert_eq!(on, [("authorization".to_owned(), "Bearer of-the-client".to_owned())]);
        // One of its own takes its place.
        let own = BTreeMap::from([("Authorization".to_owned(), Secret::from("Key own"))]);
        for forward in [false, true] {
            let told = told(&Headers::new(&own, forward, None).unwrap(), &caller);
            assert_eq!(told, [("authorization".to_owned(), "Key own".to_owned())]);
        }
    }

    #[test]
    fn a_value_that_is_none_is_not_shown() {
        let own = BTreeMap::from([("x-key".to_owned(), Secret::from("hunter2\n"))]);
        let error = Headers::new(&own, false, None).err().unwrap();
        assert!(error.to_string().contains("x-key") && !format!("{error:?}").contains("hunter2"));
    }
}

//! Errors as RFC 7644 has them (section 3.12).

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use studio_kernel::Code;
use studio_service::ApiError;

use super::MEDIA_TYPE;
use crate::commands::Failure;

/// What is wrong with a request (RFC 7644, table 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimType {
    /// The filter does not read, or compares what cannot be compared.
    InvalidFilter,
    /// There would be more answers than are given at once.
    TooMany,
    /// A name is taken.
    Uniqueness,
    /// What the path leads to cannot be changed so.
    Mutability,
    /// The body does not read.
    InvalidSyntax,
    /// The path of a PATCH leads nowhere.
    InvalidPath,
    /// The path of a PATCH matches nothing.
    NoTarget,
    /// A value is missing, or is not right.
    InvalidValue,
}

impl ScimType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
        }
    }
}

/// Why nothing was done.
#[derive(Debug, Clone)]
pub struct ScimError {
    status: u16,
    scim_type: Option<ScimType>,
    detail: String,
}

impl ScimError {
    /// Something that whoever sent it can mend.
    pub fn new(scim_type: ScimType, detail: impl Into<String>) -> Self {
        let status = if scim_type == ScimType::Uniqueness { 409 } else { 400 };
        Self { status, scim_type: Some(scim_type), detail: detail.into() }
    }

    /// With a status alone.
    pub(crate) fn status(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status: status.as_u16(), scim_type: None, detail: detail.into() }
    }

    /// Nothing of that id was provisioned by the directory.
    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        let id: String = id.chars().take(64).collect();
        Self::status(StatusCode::NOT_FOUND, format!("There is no {what} {id} of this directory."))
    }

    /// What is wrong, where it has a name.
    pub fn scim_type(&self) -> Option<ScimType> {
        self.scim_type
    }

    /// In words.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<ApiError> for ScimError {
    fn from(error: ApiError) -> Self {
        let status = match error.code() {
            Code::RateLimited => 429,
            _ => error.http_status(),
        };
        Self { status, scim_type: None, detail: error.message().to_owned() }
    }
}

impl From<Failure> for ScimError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Api(error) => error.into(),
            Failure::Input(faults) => {
                let taken = faults.iter().any(|fault| fault.code == "EMAIL_TAKEN");
                let scim_type = if taken { ScimType::Uniqueness } else { ScimType::InvalidValue };
                let says: Vec<_> = faults.into_iter().map(|fault| fault.message).collect();
                Self::new(scim_type, says.join(" "))
            }
        }
    }
}

macro_rules! by_failure {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for ScimError {
            fn from(error: $error) -> Self {
                Failure::from(error).into()
            }
        }
    )*};
}

by_failure! {
    sea_orm::DbErr, studio_access::Denied, studio_events::StoreError, studio_events::AppendError,
    studio_events::EncodeError, crate::personal::PersonalError, crate::domain::input::Fault,
}

impl IntoResponse for ScimError {
    fn into_response(self) -> Response {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            // A string (RFC 7644, section 3.12).
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = scim_type.as_str().into();
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"scim\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

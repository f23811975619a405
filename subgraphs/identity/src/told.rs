//! What the log of identity tells: the other subgraphs, and the audit log.

use studio_events::{PublishedType, Shown};
use studio_kernel::published::identity;

use crate::domain::{
    api_key::{ApiKeyCreated, ApiKeyRevoked},
    app_grant::{AppAllowed, AppCodeRedeemed, AppGrantEnded, AppGrantRefreshed},
    directory::{DirectoryConnected, DirectoryUpdated},
    directory_group::{DirectoryGroupChanged, DirectoryGroupCreated},
    invitation::{InvitationAccepted, InvitationSent},
    login::{LoginLinked, UserProvisioned},
    mailed::{EmailVerificationRequested, MailSent, PasswordResetRequested},
    oauth_client::{AccessTokenIssued, AccessTokenRevoked, OAuthClientCreated, OAuthClientRevoked},
    organization::OrganizationStateChanged,
    passkey::{PasskeyAdded, PasskeyCopied, PasskeyRemoved, PasskeyUsed},
    provisioned::{
        DirectoryRecordRemoved, DirectoryRecordSet, ProfileChanged, UserReactivated, UserSuspended,
    },
    review::{AccessDecided, ReviewCompleted},
    session::{SessionEnded, SessionOffered, SessionRefreshed, SessionStarted},
    team::{TeamCreated, TeamMembersChanged, TeamRenamed, TeamRolesChanged},
    user::{RolesChanged, UserCreated},
};

/// What the others may read of the log.
pub(crate) static PUBLISHED: &[PublishedType] = &[
    PublishedType::as_part::<SessionStarted, identity::SessionExtended>(),
    PublishedType::as_part::<SessionRefreshed, identity::SessionExtended>(),
    PublishedType::as_part::<SessionEnded, identity::SessionEnded>(),
    PublishedType::of::<OrganizationStateChanged>(),
    PublishedType::of::<RolesChanged>(),
    PublishedType::of::<UserSuspended>(),
    PublishedType::of::<UserReactivated>(),
    PublishedType::as_part::<ApiKeyCreated, identity::ApiKeyCreated>(),
    PublishedType::as_part::<ApiKeyRevoked, identity::ApiKeyRevoked>(),
    PublishedType::as_part::<OAuthClientCreated, identity::OAuthClientCreated>(),
    PublishedType::of::<OAuthClientRevoked>(),
    PublishedType::of::<AccessTokenRevoked>(),
    PublishedType::as_part::<AppAllowed, identity::AppAllowed>(),
    PublishedType::as_part::<AppCodeRedeemed, identity::AppGrantExtended>(),
    PublishedType::as_part::<AppGrantRefreshed, identity::AppGrantExtended>(),
    PublishedType::as_part::<AppGrantEnded, identity::AppGrantEnded>(),
];

/// What the audit log may show of the events.
pub(crate) static SHOWN: &[Shown] = &[
    Shown::of::<OrganizationStateChanged>(&["state"]).state(&["state"]),
    Shown::of::<UserCreated>(&["roles"]).state(&["roles"]),
    Shown::of::<UserProvisioned>(&["roles"]).state(&["roles"]),
    Shown::of::<LoginLinked>(&["provider"]),
    Shown::of::<RolesChanged>(&["roles", "until", "projects", "teams"])
        .state(&["roles", "until", "projects", "teams"]),
    Shown::of::<TeamCreated>(&["name"]).state(&["name"]),
    Shown::of::<TeamRenamed>(&["name"]).state(&["name"]),
    Shown::of::<TeamRolesChanged>(&["roles"]).state(&["roles"]),
    Shown::of::<TeamMembersChanged>(&["added", "removed"]),
    Shown::of::<DirectoryConnected>(&["name", "settings", "expires_at"]),
    Shown::of::<DirectoryUpdated>(&["name", "settings"]),
    Shown::of::<DirectoryRecordSet>(&["directory", "active"]),
    Shown::of::<DirectoryRecordRemoved>(&["directory"]),
    Shown::of::<ProfileChanged>(&["email_changed"]),
    Shown::of::<DirectoryGroupCreated>(&["display_name", "members"]),
    Shown::of::<DirectoryGroupChanged>(&["display_name", "added", "removed"]),
    Shown::of::<PasskeyAdded>(&["passkey"]),
    Shown::of::<PasskeyUsed>(&["passkey"]),
    Shown::of::<PasskeyCopied>(&["passkey", "kept", "shown"]),
    Shown::of::<PasskeyRemoved>(&["passkey"]),
    Shown::of::<AccessDecided>(&["user", "role", "project", "team", "decision"]),
    Shown::of::<ReviewCompleted>(&["confirmed", "removed"]),
    Shown::of::<PasswordResetRequested>(&["expires_at"]),
    Shown::of::<EmailVerificationRequested>(&["expires_at"]),
    Shown::of::<MailSent>(&["mail"]),
    Shown::of::<InvitationSent>(&[
        "offer.roles",
        "offer.project",
        "offer.until",
        "by",
        "expires_at",
    ]),
    Shown::of::<InvitationAccepted>(&["user"]),
    Shown::of::<SessionOffered>(&["user", "by", "redirect_uri", "expires_at"]),
    Shown::of::<SessionStarted>(&["user", "authn.methods", "provider", "expires_at"]),
    Shown::of::<SessionEnded>(&["reason"]),
    Shown::of::<ApiKeyCreated>(&["user", "scopes", "expires_at"]),
    Shown::of::<ApiKeyRevoked>(&["reason"]),
    Shown::of::<OAuthClientCreated>(&["name", "roles", "scopes", "grant_types", "redirect_uris"]),
    Shown::of::<AppAllowed>(&["client", "user", "reach.about", "reach.scopes", "redirect_uri"]),
    Shown::of::<AppCodeRedeemed>(&["expires_at"]),
    Shown::of::<AppGrantEnded>(&["reason"]),
    Shown::of::<AccessTokenIssued>(&["token", "scopes", "expires_at"]),
    Shown::of::<AccessTokenRevoked>(&["token"]),
];

//! How the types of the model look in bodies, for the OpenAPI document.
//!
//! The model knows nothing of it: what is said here of a type is what its `FromStr` and `Serialize` do. A new variant of
//! an enum does not compile until its word is here.

use crate::model::audit::CredentialKind;
use crate::model::deployment::{DeploymentSource, Status, Step};
use crate::model::id::{
    ApiKeyId, AuditEntryId, DeploymentId, EnvironmentId, InvitationId, ProjectId, ReleaseId, SigningKeyId,
    SshKeyId, TokenFamilyId, UserId,
};
use crate::model::log::{Level, Stream};
use crate::model::name::{BranchName, CommitId, ConfigName, Email, EnvironmentName, Slug, Username};
use crate::model::password::Password;
use crate::model::scope::Scope;
use crate::model::title::Title;
use crate::model::user::ServerRole;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// A string.
fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

macro_rules! schemas {
    ($($name:ty = $schema:expr),+ $(,)?) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {}
    )+};
}

/// Ids are UUIDs.
fn id() -> ObjectBuilder {
    string().format(Some(SchemaFormat::Custom("uuid".to_owned())))
}

schemas! {
    ApiKeyId = id(),
    AuditEntryId = id(),
    DeploymentId = id(),
    EnvironmentId = id(),
    InvitationId = id(),
    ProjectId = id(),
    ReleaseId = id(),
    SigningKeyId = id(),
    SshKeyId = id(),
    TokenFamilyId = id(),
    UserId = id(),
    Slug = string().pattern(Some("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")),
    EnvironmentName = string().pattern(Some("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")),
    Username = string().pattern(Some("^[a-z][a-z0-9_-]{1,31}$")),
    ConfigName = string().pattern(Some("^[A-Za-z_][A-Za-z0-9_]{0,127}$")),
    CommitId = string().pattern(Some("^[0-9a-f]{40}$")),
    BranchName = string().min_length(Some(1)).max_length(Some(200)),
    Email = string().format(Some(SchemaFormat::KnownFormat(KnownFormat::Email))).max_length(Some(254)),
    Title = string().min_length(Some(1)).max_length(Some(100)),
    Password = string()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
        .min_length(Some(8))
        .max_length(Some(256)),
}

/// Enums whose variants are words, each by a match that is total.
macro_rules! words {
    ($($name:ident { $($variant:ident = $word:literal),+ $(,)? })+) => {
        $(
            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    string().enum_values(Some([$($word),+])).into()
                }
            }

            impl ToSchema for $name {}
        )+

        #[cfg(test)]
        mod words {
            use super::*;

            $(impl Word for $name {
                const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, $word)),+];

                fn word(&self) -> &'static str {
                    match self { $(Self::$variant => $word),+ }
                }
            })+

            trait Word: Sized + serde::Serialize + 'static {
                const ALL: &'static [(Self, &'static str)];

                fn word(&self) -> &'static str;
            }

            fn check<W: Word>() {
                for (variant, word) in W::ALL {
                    assert_eq!((serde_json::json!(variant), variant.word()), (serde_json::json!(word), *word));
                }
            }

            #[test]
            fn the_words_are_those_that_are_written() {
                $(check::<$name>();)+
            }
        }
    };
}

words! {
    Scope { Read = "read", Deploy = "deploy", Write = "write", Admin = "admin" }
    ServerRole { Operator = "operator", Member = "member" }
    CredentialKind { Session = "session", ApiKey = "api_key", SshKey = "ssh_key" }
    DeploymentSource {
        Push = "push",
        Api = "api",
        Redeploy = "redeploy",
        Rollback = "rollback",
        Promote = "promote",
        Config = "config",
        Scale = "scale",
        Restart = "restart",
    }
    Level { Info = "info", Warning = "warning", Error = "error" }
    Stream {
        Step = "step",
        Outcome = "outcome",
        Detail = "detail",
        Notice = "notice",
        Build = "build",
        App = "app",
    }
    Status {
        Queued = "queued",
        Building = "building",
        Deploying = "deploying",
        Success = "success",
        Failed = "failed",
        Cancelled = "cancelled",
        Superseded = "superseded",
    }
    Step {
        Queue = "queue",
        Fetch = "fetch",
        Detect = "detect",
        Build = "build",
        Release = "release",
        Start = "start",
        Check = "check",
        Switch = "switch",
        Drain = "drain",
        Undo = "undo",
        Done = "done",
    }
}

//! How the types of the model look in bodies, for the `OpenAPI` document; and the bodies that are no plain structs.
//!
//! The model knows nothing of it: what is said here of a type is what its `FromStr` and `Serialize` do. A new variant of
//! an enum does not compile until its word is here.

use crate::model::audit::CredentialKind;
use crate::model::config_file::{ConfigEdit, ConfigKind, Edit};
use crate::model::deployment::{DeploymentSource, Status, Step};
use crate::model::drain::DrainUrl;
use crate::model::environment::{ConfigScope, DrainSeconds, HangUpPolicy, SleepSeconds, WatchSeconds};
use crate::model::id::{
    ApiKeyId, AuditEntryId, ConfigChangeId, ConfigFileId, CronRunId, DeploymentId, DrainId, EnvironmentId,
    HookDeliveryId, HookId, InvitationId, ProjectId, ReleaseId, SigningKeyId, SshKeyId, TokenFamilyId,
    UserId,
};
use crate::model::log::{Level, Stream};
use crate::model::name::{
    BranchName, CommandLine, CommitId, ConfigName, CronName, Email, EnvironmentName, FilePath, FolderPath,
    MaintenancePage, ProcessType, Slug, Username, VolumeName,
};
use crate::model::password::Password;
use crate::model::process::Formation;
use crate::model::release_diff::ReleaseDiff;
use crate::model::scope::Scope;
use crate::model::title::Title;
use crate::model::user::ServerRole;
use crate::model::volume::Strategy;
use crate::wire::canary::CanaryBody;
use crate::wire::config::{PutVariableBody, UpdateConfigBody};
use crate::wire::elsewhere::{FetchBody, ImagePushBody};
use crate::wire::environment::{
    HealthCheckBody, LimitsBody, MaintenanceBody, NewEnvironmentBody, ReplaceEnvironmentBody,
    UpdateEnvironmentBody,
};
use crate::wire::process::FormationBody;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::{PartialSchema, ToSchema};

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// A string, or `null` for what is to be taken away.
fn string_or_null() -> ObjectBuilder {
    string().schema_type([Type::String, Type::Null].into_iter().collect::<SchemaType>())
}

/// What a schema says, or `null` for none, for what is usual, or for what is not to be changed.
fn or_null(schema: RefOr<Schema>) -> OneOfBuilder {
    OneOfBuilder::new().item(schema).item(ObjectBuilder::new().schema_type(Type::Null))
}

fn integer() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer)
}

fn boolean() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean)
}

fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object)
}

/// What can be said of an environment, with its name.
fn environment() -> ObjectBuilder {
    object()
        .property("name", EnvironmentName::schema())
        .property("branch", string_or_null().description(Some("A push to it deploys here.")))
        .property("health", or_null(HealthCheckBody::schema()))
        .property("limits", or_null(LimitsBody::schema()))
        .property("drain_seconds", or_null(DrainSeconds::schema()))
        .property("watch_seconds", or_null(WatchSeconds::schema()))
        .property("sleep_seconds", or_null(SleepSeconds::schema()))
        .property("strategy", or_null(Strategy::schema()))
        .property("canary", or_null(CanaryBody::schema()))
        .property("on_hang_up", or_null(HangUpPolicy::schema()))
        .property(
            "root",
            string_or_null().description(Some("The folder of the repository that is the project.")),
        )
        .property("build_command", string_or_null())
        .property("start_command", string_or_null())
        .property("push_images", or_null(ImagePushBody::schema()))
        .property("fetch", or_null(FetchBody::schema()))
        .property("maintenance_page", string_or_null())
        .property("error_page", string_or_null())
}

/// What is to become of a config var.
fn variable() -> ObjectBuilder {
    object()
        .property("value", string())
        .property("scope", ConfigScope::schema())
        .property("secret", boolean().description(Some("Whether the value is never shown again.")))
        .property("previews", boolean().description(Some("Whether previews of pull requests get it.")))
}

/// By the name of each config var.
fn variables() -> ObjectBuilder {
    let of_one = OneOfBuilder::new().item(variable()).item(string_or_null());
    object().additional_properties(Some(RefOr::<Schema>::from(of_one)))
}

/// How many instances.
fn instances() -> ObjectBuilder {
    integer().minimum(Some(0_u32)).maximum(Some(65_535_u32))
}

/// Names that one release has and another one has not.
fn names() -> ObjectBuilder {
    let list = || ArrayBuilder::new().items(string());
    object()
        .property("added", list())
        .required("added")
        .property("changed", list())
        .required("changed")
        .property("removed", list())
        .required("removed")
}

/// How many instances there were and are.
fn count_change() -> ObjectBuilder {
    object().property("from", integer()).required("from").property("to", integer()).required("to")
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
    ConfigChangeId = id(),
    ConfigFileId = id(),
    CronRunId = id(),
    HookDeliveryId = id(),
    DeploymentId = id(),
    DrainId = id(),
    EnvironmentId = id(),
    InvitationId = id(),
    ProjectId = id(),
    ReleaseId = id(),
    SigningKeyId = id(),
    SshKeyId = id(),
    TokenFamilyId = id(),
    UserId = id(),
    HookId = id(),
    Slug = string().pattern(Some("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")),
    EnvironmentName = string().pattern(Some("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")),
    Username = string().pattern(Some("^[a-z][a-z0-9_-]{1,31}$")),
    ProcessType = string().pattern(Some("^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")),
    CronName = string().pattern(Some("^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")),
    VolumeName = string().pattern(Some("^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")),
    ConfigName = string().pattern(Some("^[A-Za-z_][A-Za-z0-9_]{0,127}$")),
    CommitId = string().pattern(Some("^[0-9a-f]{40}$")),
    DrainUrl = string().format(Some(SchemaFormat::Custom("uri".to_owned()))).max_length(Some(1024)),
    FilePath = string().min_length(Some(2)).max_length(Some(255)),
    FolderPath = string().min_length(Some(1)).max_length(Some(255)),
    MaintenancePage = string().min_length(Some(1)).max_length(Some(32_768)),
    CommandLine = string().min_length(Some(1)).max_length(Some(4096)),
    DrainSeconds = integer().minimum(Some(0_u32)).maximum(Some(3600_u32)),
    WatchSeconds = integer().minimum(Some(0_u32)).maximum(Some(3600_u32)),
    SleepSeconds = integer().minimum(Some(0_u32)).maximum(Some(86_400_u32)),
    Formation = object().additional_properties(Some(integer())),
    ReleaseDiff = object()
        .property("image", boolean())
        .required("image")
        .property("config", names())
        .required("config")
        .property("files", names())
        .required("files")
        .property("processes", names())
        .required("processes")
        .property("cron", names())
        .required("cron")
        .property("formation", object().additional_properties(Some(count_change())))
        .required("formation")
        .property("settings", boolean())
        .required("settings"),
    ConfigEdit = object()
        .property("kind", ConfigKind::schema())
        .required("kind")
        .property("name", string())
        .required("name")
        .property("edit", Edit::schema())
        .required("edit"),
    NewEnvironmentBody = environment().required("name"),
    ReplaceEnvironmentBody = environment().required("name"),
    UpdateEnvironmentBody = environment().property("name", or_null(EnvironmentName::schema())),
    MaintenanceBody = object().property("on", boolean()).required("on"),
    PutVariableBody = variable().required("value"),
    UpdateConfigBody = variables(),
    FormationBody = object().additional_properties(Some(instances())),
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
        Webhook = "webhook",
        Redeploy = "redeploy",
        Rollback = "rollback",
        Promote = "promote",
        Config = "config",
        Scale = "scale",
        Restart = "restart",
    }
    ConfigScope { Build = "build", Runtime = "runtime", Both = "both" }
    HangUpPolicy { Detach = "detach", Cancel = "cancel" }
    Strategy { Rolling = "rolling", Hold = "hold", Recreate = "recreate", Canary = "canary" }
    ConfigKind { Variable = "variable", File = "file" }
    Edit { Added = "added", Changed = "changed", Removed = "removed" }
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

// Behind the macros, which it uses.
mod hook;
mod webhook;

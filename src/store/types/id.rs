//! Ids of the model as [`Guid`]s.

use super::{Guid, column_value};
use crate::model::id::{
    ApiKeyId, AuditEntryId, ConfigChangeId, ConfigFileId, CronRunId, DeploymentId, DrainId, EnvironmentId,
    EventId, HookDeliveryId, HookId, InvitationId, JobId, PreviewId, ProjectId, RefreshTokenId, ReleaseId,
    ServerId, SigningKeyId, SshKeyId, TokenFamilyId, UserId, WebhookDeliveryId, WebhookId,
};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types;
use diesel::sqlite::Sqlite;
use uuid::Uuid;

macro_rules! ids {
    ($($id:ident),+ $(,)?) => {$(
        column_value!($id as Guid);

        impl ToSql<Guid, Pg> for $id {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                <Uuid as ToSql<sql_types::Uuid, Pg>>::to_sql(&self.as_uuid(), &mut out.reborrow())
            }
        }

        impl FromSql<Guid, Pg> for $id {
            fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                <Uuid as FromSql<sql_types::Uuid, Pg>>::from_sql(value).map(Self::from_uuid)
            }
        }

        impl ToSql<Guid, Sqlite> for $id {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                out.set_value(self.to_string());
                Ok(IsNull::No)
            }
        }

        impl FromSql<Guid, Sqlite> for $id {
            fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                let text = <String as FromSql<sql_types::Text, Sqlite>>::from_sql(value)?;
                Ok(text.parse()?)
            }
        }
    )+};
}

ids![
    ApiKeyId,
    AuditEntryId,
    ConfigChangeId,
    ConfigFileId,
    CronRunId,
    HookDeliveryId,
    DeploymentId,
    DrainId,
    EnvironmentId,
    EventId,
    InvitationId,
    JobId,
    PreviewId,
    ProjectId,
    RefreshTokenId,
    ReleaseId,
    ServerId,
    SigningKeyId,
    SshKeyId,
    TokenFamilyId,
    UserId,
    HookId,
    WebhookDeliveryId,
    WebhookId,
];

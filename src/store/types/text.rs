//! Names and words of the model as `TEXT`, and free text.

use super::column_value;
use crate::model::audit::CredentialKind;
use crate::model::cron::CronRunState;
use crate::model::deployment::{DeploymentSource, DeploymentState, Step};
use crate::model::environment::ConfigScope;
use crate::model::hook::Provider;
use crate::model::log::{Level, Stream};
use crate::model::name::{
    BranchName, CommitId, ConfigName, CronName, Email, EnvironmentName, FilePath, Slug, Username,
};
use crate::model::remote_host::RemoteHost;
use crate::model::repository_url::RepositoryUrl;
use crate::model::user::ServerRole;
use crate::model::webhook::{DeliveryState, WebhookFormat};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as InvalidText;

/// Free text as both databases can hold it: the one character that PostgreSQL's `text` refuses, and that builds do
/// print, is written as terminals show it.
pub(in crate::store) fn storable(text: &str) -> String {
    text.replace('\0', "^@")
}

/// Each is written as its `as_str` and read by its `Deserialize`, which checks what it reads.
macro_rules! texts {
    ($($name:ident),+ $(,)?) => {$(
        column_value!($name as Text);

        impl<DB: Backend> ToSql<Text, DB> for $name
        where
            str: ToSql<Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                <str as ToSql<Text, DB>>::to_sql(self.as_str(), out)
            }
        }

        impl<DB: Backend> FromSql<Text, DB> for $name
        where
            String: FromSql<Text, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
                let text = <String as FromSql<Text, DB>>::from_sql(value)?;
                Ok(Self::deserialize(IntoDeserializer::<InvalidText>::into_deserializer(text))?)
            }
        }
    )+};
}

texts![
    BranchName,
    CommitId,
    ConfigName,
    ConfigScope,
    CredentialKind,
    CronName,
    CronRunState,
    DeliveryState,
    DeploymentSource,
    DeploymentState,
    Email,
    EnvironmentName,
    FilePath,
    Level,
    Provider,
    RemoteHost,
    RepositoryUrl,
    ServerRole,
    Slug,
    Step,
    Stream,
    Username,
    WebhookFormat,
];

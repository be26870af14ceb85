//! Times of the model as [`UtcTime`]s.

use super::UtcTime;
use crate::model::time::{Timestamp, now};
use chrono::DateTime;
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types;
use diesel::sqlite::Sqlite;

/// The end of the year 9999, in seconds since 1970.
const LATEST: i64 = 253_402_300_799;

/// A [`Timestamp`] in a row. A type of its own, since Diesel decides where chrono's own type is kept.
#[derive(Debug, Clone, Copy, AsExpression, FromSqlRow)]
#[diesel(sql_type = UtcTime)]
pub(in crate::store) struct StoredTime(pub(in crate::store) Timestamp);

impl StoredTime {
    pub(in crate::store) fn now() -> Self {
        Self(now())
    }
}

/// The times at which a row may have been changed last that is to be as it was at one; any, where none is given.
pub(in crate::store) fn times_since(since: Option<Timestamp>) -> (StoredTime, StoredTime) {
    // What both databases can keep.
    let latest = || DateTime::from_timestamp(LATEST, 0).unwrap_or_default();
    since.map_or_else(
        || (StoredTime(DateTime::UNIX_EPOCH), StoredTime(latest())),
        |at| (StoredTime(at), StoredTime(at)),
    )
}

impl From<Timestamp> for StoredTime {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

impl From<StoredTime> for Timestamp {
    fn from(time: StoredTime) -> Self {
        time.0
    }
}

impl ToSql<UtcTime, Pg> for StoredTime {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <Timestamp as ToSql<sql_types::Timestamptz, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<UtcTime, Pg> for StoredTime {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <Timestamp as FromSql<sql_types::Timestamptz, Pg>>::from_sql(value).map(Self)
    }
}

impl ToSql<UtcTime, Sqlite> for StoredTime {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.timestamp_micros());
        Ok(IsNull::No)
    }
}

impl FromSql<UtcTime, Sqlite> for StoredTime {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let microseconds = <i64 as FromSql<sql_types::BigInt, Sqlite>>::from_sql(value)?;
        let time = DateTime::from_timestamp_micros(microseconds).ok_or("the time is out of range")?;
        Ok(Self(time))
    }
}

//! Column types that mean the same in both databases, and how the model's types are kept in them.
//!
//! | type | SQLite | PostgreSQL |
//! |---|---|---|
//! | [`Guid`] | `TEXT`, hyphenated | `uuid` |
//! | [`UtcTime`] | `INTEGER`, microseconds since 1970 | `timestamptz` |
//! | [`Document`] | `TEXT` | `json` |
//! | Diesel's own `Text`, `BigInt`, `Integer`, `Bool` | | |

mod document;
mod id;
mod text;
mod time;

pub(super) use self::document::Json;
pub(super) use self::text::storable;
pub(super) use self::time::{StoredTime, times_since};

use diesel::query_builder::QueryId;
use diesel::sql_types::{SqlOrd, SqlType};

/// A UUID.
#[derive(SqlType, QueryId, Clone, Copy, Default)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Text"))]
pub struct Guid;

/// A point in time.
#[derive(SqlType, QueryId, Clone, Copy, Default)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185), sqlite_type(name = "Long"))]
pub struct UtcTime;

/// A JSON document that is read and written as a whole.
#[derive(SqlType, QueryId, Clone, Copy, Default)]
#[diesel(postgres_type(oid = 114, array_oid = 199), sqlite_type(name = "Text"))]
pub struct Document;

// Both sort the same in both databases: UUIDs by their bytes, times by time.
impl SqlOrd for Guid {}
impl SqlOrd for UtcTime {}

/// Lets a type of the model be a value of a column: the derives are for the type inside of a struct that nobody makes.
macro_rules! column_value {
    ($type:ty as $sql_type:ty) => {
        const _: () = {
            #[derive(diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
            #[diesel(foreign_derive)]
            #[diesel(sql_type = $sql_type)]
            #[expect(dead_code, reason = "only names the type that the derives are for")]
            struct Value($type);
        };
    };
}
use column_value;

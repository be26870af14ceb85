//! Both databases have the same tables, columns and indexes.

use crate::fixture::Database;
use diesel::sql_types::{Bool, Text};
use diesel::{Connection, QueryableByName, RunQueryDsl as _, sql_query};
use diesel_async::AsyncConnection;

#[derive(Debug, PartialEq, QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    required: bool,
}

#[derive(Debug, PartialEq, QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    unique: bool,
    #[diesel(sql_type = Bool)]
    partial: bool,
}

const SQLITE_COLUMNS: &str = "
    SELECT t.name AS \"table\", c.name AS name, (c.\"notnull\" OR c.pk > 0) AS required
    FROM sqlite_schema t JOIN pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\' AND t.name NOT LIKE 'sqlite%'
    ORDER BY t.name, c.cid";

const POSTGRES_COLUMNS: &str = "
    SELECT table_name::text AS \"table\", column_name::text AS name, is_nullable = 'NO' AS required
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'
    ORDER BY table_name, ordinal_position";

const SQLITE_INDEXES: &str = "
    SELECT t.name AS \"table\", i.name AS name, i.\"unique\" AS \"unique\", i.partial AS partial
    FROM sqlite_schema t JOIN pragma_index_list(t.name) i
    WHERE t.type = 'table' AND i.origin = 'c' ORDER BY i.name";

const POSTGRES_INDEXES: &str = "
    SELECT t.relname::text AS \"table\", i.relname::text AS name,
           x.indisunique AS \"unique\", x.indpred IS NOT NULL AS partial
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    WHERE t.relnamespace = 'public'::regnamespace AND NOT x.indisprimary ORDER BY i.relname";

#[tokio::test(flavor = "multi_thread")]
async fn both_schemas_are_the_same() {
    let (sqlite, postgres) = (Database::sqlite().await, Database::postgres().await);
    let path = sqlite.url.strip_prefix("sqlite://").unwrap();
    let mut file = diesel::SqliteConnection::establish(path).unwrap();
    let mut server = diesel_async::AsyncPgConnection::establish(&postgres.url).await.unwrap();

    let here: Vec<Column> = sql_query(SQLITE_COLUMNS).load(&mut file).unwrap();
    let there: Vec<Column> =
        diesel_async::RunQueryDsl::load(sql_query(POSTGRES_COLUMNS), &mut server).await.unwrap();
    assert_eq!(here, there);
    let mut tables: Vec<_> = here.iter().map(|column| column.table.as_str()).collect();
    tables.dedup();
    assert_eq!(tables.len(), 37, "{tables:?}");

    let here: Vec<Index> = sql_query(SQLITE_INDEXES).load(&mut file).unwrap();
    let there: Vec<Index> =
        diesel_async::RunQueryDsl::load(sql_query(POSTGRES_INDEXES), &mut server).await.unwrap();
    assert_eq!(here, there);
}

/// Of two with one number only one is carried out.
#[test]
fn each_migration_has_a_number_of_its_own() {
    for database in ["sqlite", "postgres"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database);
        let names =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut numbers: Vec<String> =
            names.filter_map(|name| Some(name.split_once('_')?.0.to_owned())).collect();
        let count = numbers.len();
        numbers.sort();
        numbers.dedup();
        assert!(count > 20 && numbers.len() == count, "{database}: {numbers:?}");
    }
}

//! What the database itself says of the schema.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// A connection.
pub(crate) async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("a connection")
}

/// Runs statements that must not fail.
pub(crate) async fn run(connection: &mut PgConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await;
    done.unwrap_or_else(|error| panic!("`{sql}`: {error}"));
}

/// The SQLSTATE with which statements are refused; `None` if they are not. Nothing of them stays.
pub(crate) async fn refused(connection: &mut PgConnection, sql: &str) -> Option<String> {
    let mut transaction = connection.begin().await.expect("a transaction");
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *transaction).await;
    transaction.rollback().await.expect("an end");
    let error = done.err()?;
    let code = error.as_database_error().and_then(|error| error.code());
    Some(code.unwrap_or_else(|| panic!("`{sql}` failed without a code: {error}")).into_owned())
}

/// The first column of every row, as text.
pub(crate) async fn texts(connection: &mut PgConnection, sql: &str) -> Vec<String> {
    let rows = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(connection).await;
    rows.unwrap_or_else(|error| panic!("`{sql}`: {error}"))
}

/// The number that a query counts.
pub(crate) async fn count(connection: &mut PgConnection, sql: &str) -> i64 {
    let row = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await;
    row.unwrap_or_else(|error| panic!("`{sql}`: {error}"))
}

/// The tables of the schema, in the order of their names.
pub(crate) async fn tables(connection: &mut PgConnection) -> Vec<String> {
    let sql = "SELECT table_name::text FROM information_schema.tables \
               WHERE table_schema = 'convor' ORDER BY table_name";
    let tables = texts(connection, sql).await;
    assert!(!tables.is_empty(), "the schema has tables");
    tables
}

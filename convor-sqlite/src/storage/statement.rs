//! Statements: each has a name and stands in the list of its repository, and its first parameter is the tenant.

use convor::ids::TenantId;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};

/// Defines the statements of a repository, and the list of them by which the tests see that each keeps to its tenant and to an
/// index.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*

        #[cfg(test)]
        pub(super) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

pub(super) use statements;

/// A statement of a tenant, which is its parameter `?1`.
pub(super) fn statement(tenant: TenantId, sql: &'static str) -> Query<'static, Sqlite, SqliteArguments> {
    sqlx::query(sql).bind(tenant.uuid())
}

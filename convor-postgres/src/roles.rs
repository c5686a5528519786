//! The two roles of a migration, looked at before anything is changed.

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::connect::ConnectError;
use crate::migrate::MigrateError;

/// The role that migrates. It needs a schema of its own, or the right to make one.
const OWNER: &str = "SELECT
        current_user = $1 AS is_application,
        r.rolsuper AS is_superuser,
        r.rolcreaterole AS may_make_roles,
        (
            SELECT o.rolname::text FROM pg_namespace AS n JOIN pg_roles AS o ON o.oid = n.nspowner
            WHERE n.nspname = 'convor' AND NOT pg_has_role(n.nspowner, 'USAGE')
        ) AS other_owner,
        (
            SELECT o.rolname::text FROM pg_database AS d JOIN pg_roles AS o ON o.oid = d.datdba
            WHERE d.datname = current_database() AND NOT has_database_privilege(d.oid, 'CREATE')
        ) AS owner_of_database
    FROM pg_roles AS r WHERE r.rolname = current_user";

/// The application's role, with every role that it may become: what [`connect`](crate::connect) asks of itself, and whether it
/// may become the one that migrates. What it may create is not asked: those rights are taken away.
const APPLICATION: &str = "SELECT
        bool_or(r.rolsuper) AS is_superuser,
        bool_or(r.rolbypassrls) AS bypasses,
        pg_has_role($1::name, current_user, 'MEMBER') OR EXISTS (
            SELECT FROM pg_class AS c
            WHERE c.relnamespace = to_regnamespace('convor') AND pg_has_role($1::name, c.relowner, 'MEMBER')
        ) OR EXISTS (
            SELECT FROM pg_proc AS p
            WHERE p.pronamespace = to_regnamespace('convor') AND pg_has_role($1::name, p.proowner, 'MEMBER')
        ) OR EXISTS (
            SELECT FROM pg_namespace AS n
            WHERE n.oid = to_regnamespace('convor') AND pg_has_role($1::name, n.nspowner, 'MEMBER')
        ) AS owns,
        bool_or(r.rolcreaterole) AND current_setting('server_version_num')::int < 160000 AS may_become_owner
    FROM pg_roles AS r WHERE pg_has_role($1::name, r.oid, 'MEMBER')";

const IS_THERE: &str = "SELECT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = $1)";

/// Whether the role that is connected may migrate, and the application work with `role`.
pub(crate) async fn check(connection: &mut PgConnection, role: &str) -> Result<(), MigrateError> {
    let owner = sqlx::query(OWNER).bind(role).fetch_one(&mut *connection).await?;
    if owner.try_get("is_application")? {
        return Err(MigrateError::SameRole);
    }
    if owner.try_get("is_superuser")? {
        return Err(MigrateError::Superuser);
    }
    if let Some(other) = owner.try_get("other_owner")? {
        return Err(MigrateError::NotOwner(other));
    }
    // A schema that is there is made again, if it is not there, and that takes the right as well.
    if let Some(other) = owner.try_get("owner_of_database")? {
        return Err(MigrateError::MayNotCreate(other));
    }
    let is_there: bool = sqlx::query_scalar(IS_THERE).bind(role).fetch_one(&mut *connection).await?;
    if is_there {
        let application = sqlx::query(APPLICATION).bind(role).fetch_one(&mut *connection).await?;
        return judge(&application, role);
    }
    if owner.try_get("may_make_roles")? { Ok(()) } else { Err(MigrateError::NoRole(role.to_owned())) }
}

fn judge(application: &PgRow, role: &str) -> Result<(), MigrateError> {
    for (column, reason) in [
        ("is_superuser", ConnectError::Superuser),
        ("bypasses", ConnectError::BypassesRowSecurity),
        ("owns", ConnectError::OwnsTables),
        ("may_become_owner", ConnectError::MayBecomeOwner),
    ] {
        if application.try_get(column)? {
            return Err(MigrateError::Role { role: role.to_owned(), reason });
        }
    }
    Ok(())
}

/// A name as an identifier that may hold anything but a zero.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name as somebody would write it in a statement.
pub(crate) fn identifier(name: &str) -> String {
    let is_letter = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let is_plain = name.starts_with(is_letter)
        && name.chars().all(|letter| is_letter(letter) || letter.is_ascii_digit());
    if is_plain { name.to_owned() } else { quoted(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_where_it_has_to_be() {
        assert_eq!(
            ["convor_app", "a b", "A", "1a", "a\"b", ""].map(identifier),
            ["convor_app", "\"a b\"", "\"A\"", "\"1a\"", "\"a\"\"b\"", "\"\""]
        );
    }
}

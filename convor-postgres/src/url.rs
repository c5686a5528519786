//! The URL of a database, which has to say what the driver would otherwise make up or pass over: a host, a database, and no
//! parameter that means nothing. A mistyped `sslmode` is not to become a connection without TLS.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// Why a URL names no database. It repeats nothing of the URL but the name of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It cannot be read.
    #[error(
        "the URL names no PostgreSQL database (special characters in a password are percent-encoded; better is PGPASSWORD)"
    )]
    Malformed,
    /// It names no host or no database, and neither do `PGHOST`, `PGHOSTADDR` and `PGDATABASE`. A socket's directory as `?host=` is a
    /// host.
    #[error("the URL names no host or no database: write it as postgres://ROLE@HOST/DATABASE")]
    Incomplete,
    /// It has a parameter of this name, which the driver does not know.
    #[error("the URL has a parameter that is not known here: {0}")]
    Parameter(String),
    /// A parameter has a value that it cannot have.
    #[error("a parameter of the URL has a value that it cannot have")]
    Value,
}

/// The parameters that sqlx knows, beside `options[…]`.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// How to connect to what a URL names.
pub(crate) fn parse(url: &str) -> Result<PgConnectOptions, UrlError> {
    check(url, |variable| std::env::var_os(variable).is_some())?;
    PgConnectOptions::from_str(url).map_err(|_| UrlError::Malformed)
}

/// Looks at a URL, and at whether the variables that stand in for its parts are set.
fn check(url: &str, is_set: impl Fn(&str) -> bool) -> Result<(), UrlError> {
    let rest = match url.split_once(':') {
        Some(("postgres" | "postgresql", rest)) => rest,
        _ => return Err(UrlError::Malformed),
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    // What follows an unescaped `#` is no part of what is connected to: it is the rest of a password.
    if url.contains('#') || PgConnectOptions::from_str(url.split('?').next().unwrap_or(url)).is_err() {
        return Err(UrlError::Malformed);
    }
    let (authority, database) =
        place.strip_prefix("//").map_or(("", ""), |place| place.split_once('/').unwrap_or((place, "")));
    let (is_signed, host) = authority.rsplit_once('@').map_or((false, authority), |(_, host)| (true, host));
    // With `/` or `?` in a password, its end stands where the database or a parameter does.
    if database.contains(['/', '@']) || (!is_signed && query.contains('@')) {
        return Err(UrlError::Malformed);
    }
    let mut has_host =
        is_set("PGHOST") || is_set("PGHOSTADDR") || !(host.is_empty() || host.starts_with(':'));
    let mut has_database = is_set("PGDATABASE") || !database.is_empty();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let name = bracketed(name);
        let is_setting = name.starts_with("options[") && name.ends_with(']');
        if !is_setting && !PARAMETERS.contains(&name.as_str()) {
            return Err(UrlError::Parameter(name));
        }
        has_host |= matches!(name.as_str(), "host" | "hostaddr") && !value.is_empty();
        has_database |= name == "dbname" && !value.is_empty();
    }
    if !has_host || !has_database {
        return Err(UrlError::Incomplete);
    }
    // The rest of it can be read, as has been seen.
    PgConnectOptions::from_str(url).map(drop).map_err(|_| UrlError::Value)
}

/// The name of a parameter, with its brackets as they are meant.
fn bracketed(name: &str) -> String {
    let mut name = name.to_owned();
    for (encoded, plain) in [("%5B", "["), ("%5b", "["), ("%5D", "]"), ("%5d", "]")] {
        name = name.replace(encoded, plain);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(url: &str) -> Result<(), UrlError> {
        check(url, |_| false)
    }

    #[test]
    fn a_url_has_a_host_and_a_database() {
        for url in [
            "postgres://app@db.example/chat",
            "postgresql://app:p%2Fw%23@[::1]:5433/chat?sslmode=verify-full",
            "postgres:///chat?host=/var/run/postgresql",
            "postgres://%2Fvar%2Frun/chat",
            "postgres://db.example?dbname=chat&options[search_path]=pg_catalog&options%5Block_timeout%5D=1",
        ] {
            assert_eq!(alone(url), Ok(()), "{url}");
        }
        for url in
            ["postgres://", "postgres:", "postgres:foo", "postgres://app@db.example", "postgres:///chat"]
        {
            assert_eq!(alone(url), Err(UrlError::Incomplete), "{url}");
        }
        assert_eq!(check("postgres:", |variable| matches!(variable, "PGHOST" | "PGDATABASE")), Ok(()));
    }

    #[test]
    fn a_parameter_that_means_nothing_is_named_without_its_value() {
        for (name, parameter) in
            [("sslmod", "sslmod=s3cret"), ("SSLMODE", "SSLMODE=require"), ("options[x", "options[x=1")]
        {
            let refused = alone(&format!("postgres://app@db.example/chat?port=5432&{parameter}"));
            assert_eq!(refused, Err(UrlError::Parameter(name.to_owned())));
        }
        assert_eq!(alone("postgres://app@db.example/chat?sslmode=s3cret"), Err(UrlError::Value));
    }

    #[test]
    fn what_a_password_does_to_a_url_is_told() {
        for password in ["s3/cret", "s3#cret", "s3?cret", "1/s3", "1#s3", "1?s3=", "1?sslmode=x&s3=", "1/s3/"]
        {
            let refused = alone(&format!("postgres://app:{password}@db.example/chat"));
            assert_eq!(refused, Err(UrlError::Malformed), "{password}");
        }
        for url in ["", "chat", "mysql://app@db.example/chat", "app:s3cret@db.example/chat"] {
            assert_eq!(alone(url), Err(UrlError::Malformed), "{url}");
        }
        assert!(UrlError::Malformed.to_string().contains("percent-encoded"));
    }
}

//! The name of a storage on the command line.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The name of a storage as it was given. It may hold a password, and so it is shown nowhere, not even in an error.
#[derive(Clone)]
pub(crate) struct Url(String);

/// What it names.
#[derive(Debug)]
pub(crate) enum Place<'a> {
    Memory,
    Sqlite(PathBuf),
    Postgres(&'a Url),
    Archive(PathBuf),
}

/// It names nothing that there is; and what was perhaps meant.
#[derive(Debug, thiserror::Error)]
#[error(
    "a storage is named `sqlite:PATH`, `postgres://ROLE@HOST/DATABASE`, `memory`, or for a copy `archive:PATH`{}",
    .0.as_ref().map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default()
)]
pub(crate) struct Unknown(Option<String>);

impl Url {
    /// What it names.
    pub(crate) fn place(&self) -> Result<Place<'_>, Unknown> {
        let unknown = || Unknown(meant(&self.0));
        let file = |path: &str| if path.is_empty() { Err(unknown()) } else { Ok(PathBuf::from(path)) };
        match self.0.split_once(':') {
            None if self.0 == "memory" => Ok(Place::Memory),
            Some(("sqlite", path)) => file(path.strip_prefix("//").unwrap_or(path)).map(Place::Sqlite),
            Some(("archive", path)) => file(path.strip_prefix("//").unwrap_or(path)).map(Place::Archive),
            Some(("postgres" | "postgresql", _)) => Ok(Place::Postgres(self)),
            _ => Err(unknown()),
        }
    }

    /// The database that it names in its path, once the driver has found nothing wrong with it.
    pub(super) fn database(&self) -> Option<&str> {
        let (_, place) = self.0.split('?').next()?.split_once("://")?;
        let (_, database) = place.split_once('/')?;
        (!database.is_empty()).then_some(database)
    }

    /// The whole of it, for the driver.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

/// What may be meant by a text that names no storage. Of the text itself only what is plainly a file is repeated: anything else
/// may hold a password.
fn meant(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    match lower.trim_end_matches(':') {
        "memory" => return Some("memory".to_owned()),
        "sqlite" => return Some("sqlite:convor.db".to_owned()),
        _ => {}
    }
    let is_secret = text.contains([':', '@', '?']) || lower.starts_with("postgres");
    let is_file = ["/", "./", "../"].iter().any(|begin| text.starts_with(begin))
        || [".db", ".sqlite", ".sqlite3"].iter().any(|end| lower.ends_with(end));
    (is_file && !is_secret).then(|| format!("sqlite:{text}"))
}

impl FromStr for Url {
    type Err = Infallible;

    /// It is looked at later: what the command line refuses, it repeats.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Url(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> String {
        let Ok(url) = text.parse::<Url>();
        url.place().map_or_else(|unknown| unknown.to_string(), |place| format!("{place:?}"))
    }

    #[test]
    fn a_storage_has_one_name() {
        assert_eq!(place("memory"), "Memory");
        assert_eq!(place("sqlite:a b.db"), "Sqlite(\"a b.db\")");
        assert_eq!(place("sqlite:///var/a.db"), "Sqlite(\"/var/a.db\")");
        assert_eq!(place("archive:/a:b.gz"), "Archive(\"/a:b.gz\")");
        for other in ["", "cloud", "mysql://root:canary@host/db", "canary:x"] {
            assert_eq!(place(other), Unknown(None).to_string(), "{other}");
        }
    }

    #[test]
    fn what_is_plainly_meant_is_said_and_nothing_else_is_repeated() {
        for (text, meant) in [
            ("a.db", Some("sqlite:a.db")),
            ("/var/lib/chat", Some("sqlite:/var/lib/chat")),
            ("sqlite", Some("sqlite:convor.db")),
            ("sqlite:", Some("sqlite:convor.db")),
            ("Memory", Some("memory")),
            ("memory:", Some("memory")),
            ("canary", None),
            ("postgres//role/canary.db", None),
            ("Postgres://role:canary@host/a.db", None),
            ("role:canary@host/a.db", None),
        ] {
            assert_eq!(place(text), Unknown(meant.map(str::to_owned)).to_string(), "{text}");
        }
    }

    #[test]
    fn a_database_is_named_by_the_path() {
        for (text, expected) in [
            ("postgres://role:canary@host/db?sslmode=require", Some("db")),
            ("postgres:///db?host=/run", Some("db")),
            ("postgres://host?dbname=db", None),
            ("postgres://host/", None),
        ] {
            let Ok(url) = text.parse::<Url>();
            assert_eq!(url.database(), expected, "{text}");
        }
    }

    #[test]
    fn a_password_shows_nowhere() {
        assert_eq!(place("postgres://role:canary@host/db"), "Postgres(Url(…))");
    }
}

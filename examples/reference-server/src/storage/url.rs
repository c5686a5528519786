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

/// It names nothing that there is.
#[derive(Debug, thiserror::Error)]
#[error(
    "a storage is named `sqlite:PATH`, `postgres://ROLE@HOST/DATABASE`, `memory`, or for a copy `archive:PATH`"
)]
pub(crate) struct Unknown;

impl Url {
    /// What it names.
    pub(crate) fn place(&self) -> Result<Place<'_>, Unknown> {
        let file = |path: &str| if path.is_empty() { Err(Unknown) } else { Ok(PathBuf::from(path)) };
        match self.0.split_once(':') {
            None if self.0 == "memory" => Ok(Place::Memory),
            Some(("sqlite", path)) => file(path.strip_prefix("//").unwrap_or(path)).map(Place::Sqlite),
            Some(("archive", path)) => file(path.strip_prefix("//").unwrap_or(path)).map(Place::Archive),
            Some(("postgres" | "postgresql", _)) => Ok(Place::Postgres(self)),
            _ => Err(Unknown),
        }
    }

    /// The whole of it, for the driver.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
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
        for other in ["", "cloud", "sqlite", "sqlite:", "mysql://root:canary@host/db", "canary:x", "memory:"]
        {
            assert_eq!(place(other), Unknown.to_string(), "{other}");
        }
    }

    #[test]
    fn a_password_shows_nowhere() {
        assert_eq!(place("postgres://role:canary@host/db"), "Postgres(Url(…))");
    }
}

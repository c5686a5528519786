//! The static tenant check: no statement reads or writes a tenant's rows unless it says which tenant's.
//!
//! It reads statements as the parser sees them, never as a database runs them, and refuses what it does not understand.
//! What it holds every statement to:
//!
//! - It is a `SELECT`, `INSERT`, `UPDATE` or `DELETE`. Everything else is refused, dynamic SQL and functions that take SQL as text
//!   with it.
//! - Every table stands with its schema, and every table of Convor's under a name that is **bound** to the tenant in its own
//!   scope: a conjunct of `WHERE` or of a join says `name.tenant_id = p_tenant`, or makes it equal to the `tenant_id` of a
//!   name that is bound. What an outer join says binds only the side that it may leave empty.
//! - An `INSERT` has the tenant in the place of `tenant_id`, and nothing assigns `tenant_id`.
//! - A call of one of Convor's functions hands the tenant on as the first argument, and `set_config` sets nothing else, but that
//!   plans are made anew. Of the database's own functions only those are called that are known to run no SQL and to read no table.
//!
//! The tenant is the parameter `p_tenant` of a function, or `$1` of a statement that a program sends. Only tables in
//! [`EXEMPT`] may be read without one, by functions and statements that have none.

mod calls;
mod from;
mod literals;
mod migration;
mod mutants;
mod outputs;
mod plpgsql;
mod scope;
mod statement;
mod tokens;

use std::collections::BTreeMap;
use std::fmt;

use sqlparser::tokenizer::Token;

pub use literals::sql_literals;
pub use migration::{Function, Migration};
pub use statement::Summary;

/// The tables that know no row-level security: the registry, whose work is due, and which migrations have run.
pub const EXEMPT: [&str; 3] = ["tenants", "due_work", "migrations"];

/// The schema in which everything is.
pub const SCHEMA: &str = "convor";

/// The name of the parameter that every function takes first.
pub const PARAMETER: &str = "p_tenant";

/// The column that says whose a row is.
pub const COLUMN: &str = "tenant_id";

/// The functions that do for several tenants, one after another, what another function does for one, and why. They name no
/// tenant's table, and hand on the field `tenant` of the item that they are at.
pub const ACROSS: [(&str, &str); 1] = [(
    "events_append_batch",
    "messages of several tenants are committed together, each by `events_append` with the tenant that it came with",
)];

/// The functions that may run with their owner's rights, and why.
pub const DEFINERS: [(&str, &str); 0] = [];

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(String);

impl Refusal {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// Which functions there are, and whether they take a tenant.
#[derive(Debug, Clone, Default)]
pub struct Catalog(BTreeMap<String, bool>);

impl Catalog {
    /// The catalog of these functions.
    ///
    /// # Errors
    /// [`Refusal`] if two of them have one name and other parameters: a call would not say which of them it means.
    pub fn of<'f>(functions: impl IntoIterator<Item = &'f Function>) -> Result<Self, Refusal> {
        let mut found: BTreeMap<&str, &Function> = BTreeMap::new();
        for function in functions {
            if let Some(other) = found.insert(function.name(), function)
                && !other.takes_what(function)
            {
                return Err(Refusal::new(format!("{}: another function has its name", function.name())));
            }
        }
        let found = found.into_iter();
        Ok(Self(found.map(|(name, function)| (name.to_owned(), function.has_tenant())).collect()))
    }

    /// Whether the function takes a tenant; `None` if there is no such function.
    fn takes_tenant(&self, function: &str) -> Option<bool> {
        self.0.get(function).copied()
    }
}

/// One statement, with where it stands and whether it has a tenant to name.
#[derive(Debug, Clone)]
pub struct Subject {
    origin: String,
    tokens: Vec<Token>,
    tenant: Tenant,
}

/// What a statement may name as the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tenant {
    /// The first parameter.
    Parameter,
    /// In calls, the field of the item that a loop is at.
    Item,
    /// Nothing.
    None,
}

impl Subject {
    /// A statement as a program sends it: its first parameter is the tenant.
    ///
    /// # Errors
    /// [`Refusal`] if it cannot be cut into tokens.
    pub fn sent(origin: impl Into<String>, sql: &str) -> Result<Self, Refusal> {
        Ok(Self { origin: origin.into(), tokens: tokens::read(sql)?, tenant: Tenant::Parameter })
    }

    /// Where it stands.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The statement with one mention of the tenant taken away or falsified, once for each mention and way. The check has to
    /// refuse every one. A statement without a tenant has none.
    #[must_use]
    pub fn mutants(&self, catalog: &Catalog) -> Vec<Self> {
        let mutants =
            if self.tenant == Tenant::None { Vec::new() } else { mutants::of(&self.tokens, catalog) };
        let mutants = mutants.into_iter();
        mutants.map(|tokens| Self { origin: self.origin.clone(), tokens, tenant: self.tenant }).collect()
    }

    /// The statement, on one line.
    #[must_use]
    pub fn text(&self) -> String {
        tokens::text(&self.tokens)
    }

    /// Holds the statement to the rules.
    ///
    /// # Errors
    /// [`Refusal`] with the first rule that it breaks.
    pub fn check(&self, catalog: &Catalog) -> Result<Summary, Refusal> {
        statement::check(&self.tokens, self.tenant, catalog)
    }
}

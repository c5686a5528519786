//! What a query gives: which of its columns are the tenant.

use sqlparser::ast::{Ident, TableAliasColumnDef};

use super::{COLUMN, PARAMETER, Refusal};

/// The columns of a query, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Outputs {
    columns: Vec<Output>,
    /// Whether there are columns that nobody has counted.
    has_wildcard: bool,
}

#[derive(Debug, Clone)]
struct Output {
    name: Option<String>,
    is_tenant: bool,
}

impl Outputs {
    /// Adds a column.
    pub(super) fn push(&mut self, name: Option<String>, is_tenant: bool) {
        self.columns.push(Output { name, is_tenant });
    }

    /// Adds every column of something, of which one may be the tenant's.
    pub(super) fn push_all(&mut self, tenant: Option<bool>) {
        self.has_wildcard = true;
        self.columns.extend(tenant.map(|is_tenant| Output { name: Some(COLUMN.to_owned()), is_tenant }));
    }

    /// Whether the column that is called `tenant_id` is the tenant; `None` if there is no such column.
    pub(super) fn tenant_column(&self) -> Option<bool> {
        let mut named = self.columns.iter().filter(|output| output.name.as_deref() == Some(COLUMN));
        let first = named.next()?;
        Some(first.is_tenant && named.next().is_none())
    }

    /// Whether the column in this place is the tenant.
    pub(super) fn is_tenant_at(&self, place: usize) -> bool {
        !self.has_wildcard && self.columns.get(place).is_some_and(|output| output.is_tenant)
    }

    /// The columns under other names.
    pub(super) fn renamed(mut self, names: &[TableAliasColumnDef]) -> Result<Self, Refusal> {
        for (place, column) in names.iter().enumerate() {
            let name = not_the_parameter(&column.name)?;
            match self.columns.get_mut(place) {
                Some(output) if !self.has_wildcard => output.name = Some(name),
                // Whichever column has been given this name: it is not known to be the tenant.
                _ => self.push(Some(name), false),
            }
        }
        Ok(self)
    }

    /// The columns of a `UNION` of both: named as the first, and the tenant where both are.
    pub(super) fn merged(mut self, other: &Self) -> Self {
        for (place, output) in self.columns.iter_mut().enumerate() {
            output.is_tenant &= !self.has_wildcard && other.is_tenant_at(place);
        }
        self
    }
}

/// The name as the database reads it.
pub(super) fn name(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// The name that something is given, which must not be the parameter's: it would stand before it.
pub(super) fn not_the_parameter(ident: &Ident) -> Result<String, Refusal> {
    let name = name(ident);
    if name == PARAMETER {
        Err(Refusal::new(format!("something else is called {PARAMETER}")))
    } else {
        Ok(name)
    }
}

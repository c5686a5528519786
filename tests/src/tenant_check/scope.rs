//! One scope: the names in a `FROM`, what conjuncts say of them, and which of them that binds to the tenant.

use std::ops::Range;

use sqlparser::ast::{BinaryOperator, CastKind, DataType, Expr, Ident, Value};

use super::outputs::name;
use super::{COLUMN, PARAMETER, Refusal};

/// What a query sees of what stands around it.
#[derive(Debug, Clone, Default)]
pub(super) struct Around {
    /// The names that `WITH` has given, and whether their `tenant_id` is the tenant; the innermost last.
    with: Vec<(String, Option<bool>)>,
    /// The names of the outer scopes, and whether they are bound; the innermost last.
    outer: Vec<(String, bool)>,
}

impl Around {
    /// Gives a name to a query.
    pub(super) fn give(&mut self, name: String, tenant: Option<bool>) {
        self.with.push((name, tenant));
    }

    /// The query with this name.
    pub(super) fn given(&self, name: &str) -> Option<Option<bool>> {
        self.with.iter().rev().find(|(given, _)| given == name).map(|(_, tenant)| *tenant)
    }

    /// What a query inside of `scope` sees.
    pub(super) fn within(&self, scope: &Scope) -> Self {
        let mut inner = self.clone();
        inner.outer.extend(scope.sources.iter().map(|source| (source.name.clone(), source.is_bound)));
        inner
    }

    /// What is seen where this name stands for a row of the tenant's.
    pub(super) fn with_bound(mut self, name: &str) -> Self {
        self.outer.push((name.to_owned(), true));
        self
    }
}

/// Something in a `FROM`.
#[derive(Debug)]
pub(super) struct Source {
    /// Under which name.
    pub(super) name: String,
    /// The column that says whose a row is, if there is or may be one.
    pub(super) column: Option<&'static str>,
    /// Whether that column holds the tenant in every row that comes out of the scope.
    pub(super) is_bound: bool,
    /// The table that has to be bound.
    pub(super) required: Option<String>,
}

/// The names of a `FROM`, and what is said of them.
#[derive(Debug)]
pub(super) struct Scope {
    has_tenant: bool,
    pub(super) sources: Vec<Source>,
    equalities: Vec<Equality>,
    /// The joins by `USING (tenant_id)`: in these ranges an unqualified `tenant_id` is that of the first.
    merged: Vec<Range<usize>>,
}

/// Two things that are equal in every row, and which sources that may bind.
#[derive(Debug)]
struct Equality {
    sides: [Operand; 2],
    binds: Range<usize>,
}

/// What a side of an equality is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    /// The tenant itself, or the column of an outer scope's bound name.
    Tenant,
    /// The column of this source.
    Column(usize),
    /// Anything else.
    Other,
}

impl Scope {
    pub(super) const fn new(has_tenant: bool) -> Self {
        Self { has_tenant, sources: Vec::new(), equalities: Vec::new(), merged: Vec::new() }
    }

    /// Takes what holds in every row for as far as it may bind, part by part.
    pub(super) fn holds(&mut self, condition: &Expr, binds: Range<usize>, around: &Around) {
        match condition {
            Expr::Nested(inner) => self.holds(inner, binds, around),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.holds(left, binds.clone(), around);
                self.holds(right, binds, around);
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => match (&**left, &**right) {
                (Expr::Tuple(left), Expr::Tuple(right)) if left.len() == right.len() => {
                    left.iter()
                        .zip(right)
                        .for_each(|(left, right)| self.equal(left, right, binds.clone(), around));
                }
                _ => self.equal(left, right, binds, around),
            },
            _ => {}
        }
    }

    fn equal(&mut self, left: &Expr, right: &Expr, binds: Range<usize>, around: &Around) {
        let sides = [self.operand(left, around), self.operand(right, around)];
        self.equalities.push(Equality { sides, binds });
    }

    /// Takes a join of `left` and `right` by `USING (…, tenant_id, …)`.
    pub(super) fn holds_using(&mut self, left: Range<usize>, right: Range<usize>) -> Result<(), Refusal> {
        let merged = self.merged.contains(&left);
        let columns =
            |range: Range<usize>| self.sources[range].iter().filter(|source| source.column.is_some()).count();
        if (columns(left.clone()) != 1 && !merged) || columns(right.clone()) != 1 {
            return Err(Refusal::new("USING over several names: write ON"));
        }
        let column = |range: Range<usize>| range.clone().find(|&at| self.sources[at].column == Some(COLUMN));
        if let (Some(first), Some(second)) = (column(left.clone()), column(right.clone())) {
            let sides = [Operand::Column(first), Operand::Column(second)];
            self.equalities.push(Equality { sides, binds: right.clone() });
        }
        self.merged.push(left.start..right.end);
        Ok(())
    }

    /// What an expression is, seen from this scope.
    pub(super) fn operand(&self, expr: &Expr, around: &Around) -> Operand {
        match expr {
            Expr::Nested(inner) => self.operand(inner, around),
            Expr::Cast {
                kind: CastKind::Cast | CastKind::DoubleColon,
                expr: inner,
                data_type: DataType::Uuid,
                ..
            } if is_parameter(inner) && self.has_tenant => Operand::Tenant,
            _ if is_parameter(expr) && self.has_tenant => Operand::Tenant,
            Expr::Identifier(column) => self.unqualified(column),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [of, column] => self.qualified(&name(of), column, around),
                _ => Operand::Other,
            },
            _ => Operand::Other,
        }
    }

    fn qualified(&self, of: &str, column: &Ident, around: &Around) -> Operand {
        if let Some(at) = self.sources.iter().position(|source| source.name == of) {
            let found = self.sources[at].column == Some(name(column).as_str());
            return if found { Operand::Column(at) } else { Operand::Other };
        }
        let outer = around.outer.iter().rev().find(|(outer, _)| outer == of);
        if outer.is_some_and(|(_, bound)| *bound) && name(column) == COLUMN {
            Operand::Tenant
        } else {
            Operand::Other
        }
    }

    /// A column without a name before it: that of the only source that can have it.
    fn unqualified(&self, column: &Ident) -> Operand {
        let column = name(column);
        let mut having =
            (0..self.sources.len()).filter(|&at| self.sources[at].column == Some(column.as_str()));
        match (having.next(), having.next()) {
            (Some(only), None) => Operand::Column(only),
            (Some(first), Some(_)) if self.merged.contains(&(first..self.sources.len())) => {
                Operand::Column(first)
            }
            _ => Operand::Other,
        }
    }

    /// Binds what can be bound, until nothing changes.
    pub(super) fn bind(&mut self) {
        loop {
            let bound = |operand: Operand| match operand {
                Operand::Tenant => true,
                Operand::Column(at) => self.sources[at].is_bound,
                Operand::Other => false,
            };
            let next = self.equalities.iter().find_map(|Equality { sides: [left, right], binds }| {
                let binds = |target: Operand, other: Operand| match target {
                    Operand::Column(at) if binds.contains(&at) && !bound(target) && bound(other) => Some(at),
                    _ => None,
                };
                binds(*left, *right).or_else(|| binds(*right, *left))
            });
            let Some(at) = next else { break };
            self.sources[at].is_bound = true;
        }
    }

    /// Whether the expression is the tenant in every row that comes out of the scope.
    pub(super) fn is_tenant(&self, expr: &Expr, around: &Around) -> bool {
        match self.operand(expr, around) {
            Operand::Tenant => true,
            Operand::Column(at) => self.sources[at].is_bound,
            Operand::Other => false,
        }
    }

    /// Refuses the scope if a name that has to be bound is not.
    pub(super) fn demand_bound(&self) -> Result<(), Refusal> {
        let unbound = self.sources.iter().find(|source| source.required.is_some() && !source.is_bound);
        match unbound {
            Some(Source { name, required: Some(table), .. }) => {
                Err(Refusal::new(format!("{table} under the name {name} is not bound to the tenant")))
            }
            _ => Ok(()),
        }
    }
}

/// Whether the expression is the parameter that holds the tenant.
pub(super) fn is_parameter(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(ident) => name(ident) == PARAMETER,
        Expr::Value(value) => matches!(&value.value, Value::Placeholder(place) if place == "$1"),
        _ => false,
    }
}

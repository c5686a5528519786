//! What stands in a `FROM`, and what its joins say.

use std::ops::Range;

use sqlparser::ast::{
    Expr, FunctionArg, Join, JoinConstraint, JoinOperator, ObjectName, Query, TableAlias, TableFactor,
    TableWithJoins,
};

use super::outputs::{Outputs, name, not_the_parameter};
use super::scope::{Around, Scope, Source};
use super::statement::Walk;
use super::{COLUMN, EXEMPT, Refusal, SCHEMA};

impl Walk {
    /// The scope of the first tables, the second ones and what holds in it, with everything bound that has to be.
    pub(super) fn scope(
        &mut self,
        targets: &[TableWithJoins],
        from: &[TableWithJoins],
        selection: Option<&Expr>,
        around: &Around,
    ) -> Result<Scope, Refusal> {
        let mut scope = Scope::new(self.has_tenant);
        let mut late = Vec::new();
        for table in targets.iter().chain(from) {
            self.joined(table, &mut scope, &mut late, around)?;
        }
        let all = 0..scope.sources.len();
        if let Some(selection) = selection {
            scope.holds(selection, all, around);
        }
        scope.bind();
        // What is lateral sees its siblings, and may bind others in its turn.
        for (at, factor) in late {
            let inner = around.within(&scope);
            match factor {
                Late::Query(query, alias) => {
                    let outputs = self.query(query, &inner)?.renamed(&alias.columns)?;
                    let source = &mut scope.sources[at];
                    source.column = outputs.tenant_column().map(|_| COLUMN);
                    source.is_bound = outputs.tenant_column() == Some(true);
                    scope.bind();
                }
                Late::Args(args) => args.iter().try_for_each(|arg| self.nested(arg, &inner))?,
                Late::Exprs(exprs) => exprs.iter().try_for_each(|expr| self.nested(expr, &inner))?,
                Late::Condition(condition) => self.nested(condition, &inner)?,
            }
        }
        scope.demand_bound()?;
        Ok(scope)
    }

    fn joined<'q>(
        &mut self,
        table: &'q TableWithJoins,
        scope: &mut Scope,
        late: &mut Vec<(usize, Late<'q>)>,
        around: &Around,
    ) -> Result<(), Refusal> {
        let start = scope.sources.len();
        self.factor(&table.relation, scope, late, around)?;
        for Join { relation, join_operator, .. } in &table.joins {
            let middle = scope.sources.len();
            self.factor(relation, scope, late, around)?;
            let end = scope.sources.len();
            let (binds, constraint) = side(join_operator, start, middle, end)?;
            match constraint {
                JoinConstraint::On(condition) => {
                    late.push((end, Late::Condition(condition)));
                    scope.holds(condition, binds, around);
                }
                JoinConstraint::Using(columns) => {
                    if binds.is_empty() || (binds.start == start && binds.end == middle) {
                        return Err(Refusal::new("USING in a RIGHT or FULL JOIN: write ON"));
                    }
                    let is_tenant = |column: &ObjectName| column.to_string().trim_matches('"') == COLUMN;
                    if columns.iter().any(is_tenant) {
                        scope.holds_using(start..middle, middle..end)?;
                    }
                }
                JoinConstraint::Natural => return Err(Refusal::new("a NATURAL JOIN")),
                JoinConstraint::None => {}
            }
        }
        Ok(())
    }

    fn factor<'q>(
        &mut self,
        factor: &'q TableFactor,
        scope: &mut Scope,
        late: &mut Vec<(usize, Late<'q>)>,
        around: &Around,
    ) -> Result<(), Refusal> {
        let at = scope.sources.len();
        match factor {
            TableFactor::Table { name: table, alias, args: None, .. } => {
                scope.sources.push(self.table(table, alias.as_ref(), around)?);
            }
            TableFactor::Table { name: called, alias, args: Some(args), .. } => {
                self.seen += 1;
                scope.sources.push(function(
                    called.0.last().and_then(|part| part.as_ident()).map(name),
                    alias.as_ref(),
                )?);
                late.push((at, Late::Args(&args.args)));
            }
            TableFactor::Function { name: called, args, alias, .. } => {
                scope.sources.push(function(
                    called.0.last().and_then(|part| part.as_ident()).map(name),
                    alias.as_ref(),
                )?);
                late.push((at, Late::Args(args)));
            }
            TableFactor::UNNEST { alias, array_exprs, .. } => {
                scope.sources.push(function(Some("unnest".to_owned()), alias.as_ref())?);
                late.push((at, Late::Exprs(array_exprs)));
            }
            TableFactor::Derived { lateral, subquery, alias: Some(alias), .. } => {
                let mut source = Source {
                    name: not_the_parameter(&alias.name)?,
                    column: None,
                    is_bound: false,
                    required: None,
                };
                if *lateral {
                    // Until it is looked at, it may have the column.
                    source.column = Some(COLUMN);
                    late.push((at, Late::Query(subquery, alias)));
                } else {
                    let tenant = self.query(subquery, around)?.renamed(&alias.columns)?.tenant_column();
                    source.column = tenant.map(|_| COLUMN);
                    source.is_bound = tenant == Some(true);
                }
                scope.sources.push(source);
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                self.joined(table_with_joins, scope, late, around)?;
            }
            _ => return Err(Refusal::new("something in FROM that the check does not know")),
        }
        Ok(())
    }

    /// A table, or the query that has its name.
    pub(super) fn table(
        &mut self,
        table: &ObjectName,
        alias: Option<&TableAlias>,
        around: &Around,
    ) -> Result<Source, Refusal> {
        self.seen += 1;
        let parts: Option<Vec<String>> = table.0.iter().map(|part| Some(name(part.as_ident()?))).collect();
        let parts = parts.unwrap_or_default();
        let under =
            |own: &str| alias.map_or_else(|| Ok(own.to_owned()), |alias| not_the_parameter(&alias.name));
        let is_renamed = alias.is_some_and(|alias| !alias.columns.is_empty());
        match parts.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [given] => {
                let Some(tenant) = around.given(given) else {
                    // The catalogue stands before every search path, and none of Convor's tables is called so.
                    if given.starts_with("pg_") {
                        return Ok(Source {
                            name: under(given)?,
                            column: None,
                            is_bound: false,
                            required: None,
                        });
                    }
                    return Err(Refusal::new(format!("{given} stands without its schema")));
                };
                let is_bound = tenant == Some(true) && !is_renamed;
                let column = (tenant.is_some() || is_renamed).then_some(COLUMN);
                Ok(Source { name: under(given)?, column, is_bound, required: None })
            }
            [schema, _] if *schema != SCHEMA && !["pg_catalog", "information_schema"].contains(schema) => {
                Err(Refusal::new(format!("the schema {schema}")))
            }
            [SCHEMA, own] => {
                if is_renamed {
                    return Err(Refusal::new("a table's columns under other names"));
                }
                let is_exempt = EXEMPT.contains(own) && !(self.has_tenant && *own != "migrations");
                let count = if is_exempt { &mut self.summary.exempt } else { &mut self.summary.bound };
                *count += 1;
                let required = (!is_exempt).then(|| format!("{SCHEMA}.{own}"));
                Ok(Source { name: under(own)?, column: Some(COLUMN), is_bound: false, required })
            }
            [_, foreign] => {
                Ok(Source { name: under(foreign)?, column: None, is_bound: false, required: None })
            }
            _ => Err(Refusal::new(format!("the table {table}"))),
        }
    }
}

/// What of a `FROM` sees its siblings, and is looked at after them.
enum Late<'q> {
    Query(&'q Query, &'q TableAlias),
    Args(&'q [FunctionArg]),
    Exprs(&'q [Expr]),
    Condition(&'q Expr),
}

/// Which sources of a join's two sides its condition may bind: only those from which it takes rows away.
fn side(
    operator: &JoinOperator,
    start: usize,
    middle: usize,
    end: usize,
) -> Result<(Range<usize>, &JoinConstraint), Refusal> {
    match operator {
        JoinOperator::Join(on) | JoinOperator::Inner(on) | JoinOperator::CrossJoin(on) => {
            Ok((start..end, on))
        }
        JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => Ok((middle..end, on)),
        JoinOperator::Right(on) | JoinOperator::RightOuter(on) => Ok((start..middle, on)),
        JoinOperator::FullOuter(on) => Ok((end..end, on)),
        _ => Err(Refusal::new("a join that the database does not have")),
    }
}

/// A function in `FROM`. It may have any column, and none of them is the tenant.
fn function(called: Option<String>, alias: Option<&TableAlias>) -> Result<Source, Refusal> {
    let mut outputs = Outputs::default();
    outputs.push_all(None);
    let outputs = outputs.renamed(alias.map_or(&[], |alias| &alias.columns))?;
    let under = match alias {
        Some(alias) => not_the_parameter(&alias.name)?,
        None => called.ok_or_else(|| Refusal::new("a function without a name"))?,
    };
    Ok(Source {
        name: under,
        column: outputs.tenant_column().map(|_| COLUMN),
        is_bound: false,
        required: None,
    })
}

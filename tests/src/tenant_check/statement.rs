//! A statement, scope by scope.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, Delete, Expr, FromTable, GroupByExpr, Insert, ObjectName,
    ObjectNamePart, OnConflictAction, OnInsert, Query, Select, SelectItem, SelectItemQualifiedWildcardKind,
    SetExpr, Statement, TableObject, TableWithJoins, Update, UpdateTableFromKind, Visit, Visitor, With,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::outputs::{Outputs, name, not_the_parameter};
use super::scope::{Around, Scope, Source};
use super::tokens::is;
use super::{COLUMN, Catalog, Refusal, Tenant, calls};

/// What a statement touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Summary {
    /// How many times it names a table that has to be bound.
    pub bound: usize,
    /// How many times it names one that is exempt, and has none to name.
    pub exempt: usize,
}

/// Holds a statement to the rules.
pub(super) fn check(tokens: &[Token], tenant: Tenant, catalog: &Catalog) -> Result<Summary, Refusal> {
    let statement = parse(tokens)?;
    calls::check(&statement, tenant, catalog)?;
    let mut walk = Walk { has_tenant: tenant == Tenant::Parameter, summary: Summary::default(), seen: 0 };
    walk.statement(&statement, &Around::default())?;
    let mut relations = Relations(0);
    let _ = statement.visit(&mut relations);
    if relations.0 != walk.seen {
        return Err(Refusal::new("a table stands where the check does not look"));
    }
    Ok(walk.summary)
}

/// The one statement that the tokens are.
fn parse(tokens: &[Token]) -> Result<Statement, Refusal> {
    let tokens = without_key_locks(tokens);
    let parsed = Parser::new(&PostgreSqlDialect {}).with_tokens(tokens).parse_statements();
    let mut statements = parsed.map_err(|error| Refusal::new(format!("not parsed: {error}")))?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        _ => Err(Refusal::new("not one statement")),
    }
}

/// `FOR NO KEY UPDATE` and `FOR KEY SHARE`, which the parser does not know, as the stronger locks that it does.
fn without_key_locks(tokens: &[Token]) -> Vec<Token> {
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        let before = |distance: usize, word: &str| at >= distance && is(&tokens[at - distance], word);
        let next = |word: &str| tokens.get(at + 1).is_some_and(|token| is(token, word));
        let no = is(token, "NO") && before(1, "FOR") && next("KEY");
        let key =
            is(token, "KEY") && (before(1, "FOR") && next("SHARE") || before(2, "FOR") && before(1, "NO"));
        if !no && !key {
            kept.push(token.clone());
        }
    }
    kept
}

/// How many tables and functions stand where tables may.
struct Relations(usize);

impl Visitor for Relations {
    type Break = ();

    fn pre_visit_relation(&mut self, _: &ObjectName) -> ControlFlow<()> {
        self.0 += 1;
        ControlFlow::Continue(())
    }
}

/// Goes through a statement.
pub(super) struct Walk {
    pub(super) has_tenant: bool,
    pub(super) summary: Summary,
    /// How many relations the walk has come by.
    pub(super) seen: usize,
}

impl Walk {
    fn statement(&mut self, statement: &Statement, around: &Around) -> Result<Outputs, Refusal> {
        match statement {
            Statement::Query(query) => self.query(query, around),
            Statement::Insert(insert) => self.insert(insert, around),
            Statement::Update(update) => self.update(update, around),
            Statement::Delete(delete) => self.delete(delete, around),
            _ => Err(Refusal::new("neither SELECT, INSERT, UPDATE nor DELETE")),
        }
    }

    pub(super) fn query(&mut self, query: &Query, around: &Around) -> Result<Outputs, Refusal> {
        if !query.pipe_operators.is_empty() {
            return Err(Refusal::new("a pipe"));
        }
        let around = self.with(query.with.as_ref(), around)?;
        let outputs = self.set(&query.body, &around)?;
        self.nested(&query.order_by, &around)?;
        self.nested(&query.limit_clause, &around)?;
        self.nested(&query.fetch, &around)?;
        Ok(outputs)
    }

    fn with(&mut self, with: Option<&With>, around: &Around) -> Result<Around, Refusal> {
        let mut around = around.clone();
        let Some(with) = with else { return Ok(around) };
        if with.recursive {
            with.cte_tables.iter().for_each(|cte| around.give(name(&cte.alias.name), None));
        }
        for cte in &with.cte_tables {
            let outputs = self.query(&cte.query, &around)?.renamed(&cte.alias.columns)?;
            around.give(not_the_parameter(&cte.alias.name)?, outputs.tenant_column());
        }
        Ok(around)
    }

    fn set(&mut self, set: &SetExpr, around: &Around) -> Result<Outputs, Refusal> {
        match set {
            SetExpr::Select(select) => self.select(select, around),
            SetExpr::Query(query) => self.query(query, around),
            SetExpr::SetOperation { left, right, .. } => {
                let left = self.set(left, around)?;
                Ok(left.merged(&self.set(right, around)?))
            }
            SetExpr::Values(values) => {
                self.nested(values, around)?;
                let scope = Scope::new(self.has_tenant);
                let rows = values.rows.iter().map(|row| {
                    let mut outputs = Outputs::default();
                    row.content.iter().for_each(|expr| outputs.push(None, scope.is_tenant(expr, around)));
                    outputs
                });
                Ok(rows.reduce(|first, next| first.merged(&next)).unwrap_or_default())
            }
            SetExpr::Insert(statement) | SetExpr::Update(statement) | SetExpr::Delete(statement) => {
                self.statement(statement, around)
            }
            SetExpr::Merge(_) | SetExpr::Table(_) => {
                Err(Refusal::new("neither SELECT, INSERT, UPDATE nor DELETE"))
            }
        }
    }

    fn select(&mut self, select: &Select, around: &Around) -> Result<Outputs, Refusal> {
        if select.into.is_some() {
            return Err(Refusal::new("it makes a table"));
        }
        let scope = self.scope(&[], &select.from, select.selection.as_ref(), around)?;
        let inner = around.within(&scope);
        self.nested(&select.distinct, &inner)?;
        self.nested(&select.projection, &inner)?;
        self.nested(&select.selection, &inner)?;
        if let GroupByExpr::Expressions(..) = select.group_by {
            self.nested(&select.group_by, &inner)?;
        }
        self.nested(&select.having, &inner)?;
        self.nested(&select.named_window, &inner)?;
        self.outputs(&select.projection, &scope, around)
    }

    fn insert(&mut self, insert: &Insert, around: &Around) -> Result<Outputs, Refusal> {
        let TableObject::TableName(table) = &insert.table else {
            return Err(Refusal::new("no table to insert into"));
        };
        let mut target = self.table(table, None, around)?;
        // A table that is exempt here has no tenant to name: such a function has none.
        let is_exempt = target.required.is_none();
        if target.column.is_none() {
            return Err(Refusal::new("an insert into no table of Convor's"));
        }
        if let Some(alias) = &insert.table_alias {
            target.name = not_the_parameter(&alias.alias)?;
        }
        let is_column = |written: &ObjectName| {
            written.0.last().and_then(|part| part.as_ident()).map(name).as_deref() == Some(COLUMN)
        };
        let place = insert.columns.iter().position(is_column);
        let place = place.ok_or_else(|| Refusal::new(format!("the insert does not name {COLUMN}")))?;
        let source = insert.source.as_ref().ok_or_else(|| Refusal::new("the insert has no rows"))?;
        target.is_bound = self.query(source, around)?.is_tenant_at(place);
        if !target.is_bound && !is_exempt {
            return Err(Refusal::new(format!("the insert has not the tenant in the place of {COLUMN}")));
        }
        let mut scope = Scope::new(self.has_tenant);
        scope.sources.push(target);
        match &insert.on {
            None => {}
            Some(OnInsert::OnConflict(conflict)) => {
                if let OnConflictAction::DoUpdate(update) = &conflict.action {
                    let named = matches!(&conflict.conflict_target, Some(ConflictTarget::Columns(columns)) if columns.iter().any(|found| name(found) == COLUMN));
                    if !named {
                        return Err(Refusal::new(format!("ON CONFLICT does not name {COLUMN}")));
                    }
                    let inner = around.within(&scope).with_bound("excluded");
                    self.assignments(&update.assignments, &inner)?;
                    self.nested(&update.selection, &inner)?;
                }
            }
            Some(_) => return Err(Refusal::new("ON DUPLICATE KEY")),
        }
        self.returning(insert.returning.as_deref(), &scope, around)
    }

    fn update(&mut self, update: &Update, around: &Around) -> Result<Outputs, Refusal> {
        if !update.table.joins.is_empty() {
            return Err(Refusal::new("an update of a join"));
        }
        let from: &[TableWithJoins] = match &update.from {
            None => &[],
            Some(UpdateTableFromKind::AfterSet(from) | UpdateTableFromKind::BeforeSet(from)) => from,
        };
        let target = std::slice::from_ref(&update.table);
        let scope = self.scope(target, from, update.selection.as_ref(), around)?;
        let inner = around.within(&scope);
        self.assignments(&update.assignments, &inner)?;
        self.nested(&update.selection, &inner)?;
        self.returning(update.returning.as_deref(), &scope, around)
    }

    fn delete(&mut self, delete: &Delete, around: &Around) -> Result<Outputs, Refusal> {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let using = delete.using.as_deref().unwrap_or(&[]);
        if !delete.tables.is_empty() || from.len() != 1 || !from[0].joins.is_empty() {
            return Err(Refusal::new("a deletion from several tables"));
        }
        let scope = self.scope(from, using, delete.selection.as_ref(), around)?;
        let inner = around.within(&scope);
        self.nested(&delete.selection, &inner)?;
        self.returning(delete.returning.as_deref(), &scope, around)
    }

    fn assignments(&mut self, assignments: &[Assignment], inner: &Around) -> Result<(), Refusal> {
        for Assignment { target, value } in assignments {
            let columns = match target {
                AssignmentTarget::ColumnName(column) => std::slice::from_ref(column),
                AssignmentTarget::Tuple(columns) => columns,
            };
            let part = |part: &ObjectNamePart| part.as_ident().is_none_or(|ident| name(ident) == COLUMN);
            if columns.iter().any(|column| column.0.iter().any(part)) {
                return Err(Refusal::new(format!("{COLUMN} is assigned")));
            }
            self.nested(value, inner)?;
        }
        Ok(())
    }

    fn returning(
        &mut self,
        items: Option<&[SelectItem]>,
        scope: &Scope,
        around: &Around,
    ) -> Result<Outputs, Refusal> {
        let items = items.unwrap_or(&[]).to_vec();
        self.nested(&items, &around.within(scope))?;
        self.outputs(&items, scope, around)
    }

    /// What a list of expressions gives.
    fn outputs(&self, items: &[SelectItem], scope: &Scope, around: &Around) -> Result<Outputs, Refusal> {
        let tenant_of = |source: &Source| (source.column == Some(COLUMN)).then_some(source.is_bound);
        let mut outputs = Outputs::default();
        for item in items {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let named = match expr {
                        Expr::Identifier(ident) => Some(name(ident)),
                        Expr::CompoundIdentifier(parts) => parts.last().map(name),
                        _ => None,
                    };
                    outputs.push(named, scope.is_tenant(expr, around));
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    outputs.push(Some(not_the_parameter(alias)?), scope.is_tenant(expr, around));
                }
                SelectItem::Wildcard(_) => {
                    outputs.push_all(None);
                    scope.sources.iter().for_each(|source| outputs.push_all(tenant_of(source)));
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(of), _) => {
                    let of = of.0.first().and_then(|part| part.as_ident()).map(name);
                    let source = scope.sources.iter().find(|source| Some(&source.name) == of.as_ref());
                    outputs.push_all(source.and_then(tenant_of));
                }
                _ => outputs.push_all(None),
            }
        }
        Ok(outputs)
    }

    /// Holds the queries in a part of a statement to the rules, with what they see around them.
    pub(super) fn nested(&mut self, part: &impl Visit, around: &Around) -> Result<(), Refusal> {
        match part.visit(&mut Nested { walk: self, around, depth: 0 }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(refusal) => Err(refusal),
        }
    }
}

struct Nested<'w> {
    walk: &'w mut Walk,
    around: &'w Around,
    depth: usize,
}

impl Visitor for Nested<'_> {
    type Break = Refusal;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Refusal> {
        self.depth += 1;
        if self.depth > 1 {
            return ControlFlow::Continue(());
        }
        match self.walk.query(query, self.around) {
            Ok(_) => ControlFlow::Continue(()),
            Err(refusal) => ControlFlow::Break(refusal),
        }
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<Refusal> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}

//! Which functions a statement calls, and with what.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectName, Statement, TableFactor,
    Value, Visit, Visitor,
};

use super::outputs::name;
use super::scope::is_parameter;
use super::{Catalog, PARAMETER, Refusal, SCHEMA, Tenant};

/// The functions of the database that may be called: they run no text as SQL, and read and write no table, file or large
/// object. `set_config` has a rule of its own.
const KNOWN: [&str; 30] = [
    "array_agg",
    "bool_or",
    "cardinality",
    "coalesce",
    "count",
    "current_database",
    "current_schemas",
    "current_setting",
    "current_user",
    "greatest",
    "has_database_privilege",
    "has_schema_privilege",
    "hashtext",
    "hashtextextended",
    "jsonb_populate_recordset",
    "least",
    "max",
    "min",
    "now",
    "nullif",
    "octet_length",
    "pg_advisory_xact_lock",
    "pg_has_role",
    "pg_notify",
    "row",
    "set_config",
    "statement_timestamp",
    "to_regclass",
    "to_regnamespace",
    "unnest",
];

/// Holds every call in the statement to the rules.
pub(super) fn check(statement: &Statement, tenant: Tenant, catalog: &Catalog) -> Result<(), Refusal> {
    match statement.visit(&mut Calls { tenant, catalog }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(refusal) => Err(refusal),
    }
}

struct Calls<'c> {
    tenant: Tenant,
    catalog: &'c Catalog,
}

impl Visitor for Calls<'_> {
    type Break = Refusal;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Refusal> {
        match expr {
            Expr::Function(Function { name, args: FunctionArguments::List(list), .. }) => {
                self.call(name, &list.args)
            }
            Expr::Function(Function { name, .. }) => self.call(name, &[]),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Refusal> {
        match factor {
            TableFactor::Table { name, args: Some(args), .. } => self.call(name, &args.args),
            TableFactor::Function { name, args, .. } => self.call(name, args),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Calls<'_> {
    fn call(&self, function: &ObjectName, args: &[FunctionArg]) -> ControlFlow<Refusal> {
        match self.judge(function, args) {
            Ok(()) => ControlFlow::Continue(()),
            Err(reason) => ControlFlow::Break(Refusal::new(format!("{function}: {reason}"))),
        }
    }

    fn judge(&self, function: &ObjectName, args: &[FunctionArg]) -> Result<(), &'static str> {
        let parts: Option<Vec<String>> = function.0.iter().map(|part| Some(name(part.as_ident()?))).collect();
        match parts.as_deref() {
            Some([schema, called]) if schema == SCHEMA => match self.catalog.takes_tenant(called) {
                Some(true) if !self.hands_on(args) => Err("the tenant is not the first argument"),
                Some(_) => Ok(()),
                None => Err("there is no such function"),
            },
            Some([called]) => self.judge_foreign(called, args),
            Some([schema, called]) if schema == "pg_catalog" => self.judge_foreign(called, args),
            _ => Err("a function of another schema"),
        }
    }

    fn judge_foreign(&self, called: &str, args: &[FunctionArg]) -> Result<(), &'static str> {
        if self.catalog.takes_tenant(called).is_some() {
            Err("one of Convor's functions without its schema")
        } else if !KNOWN.contains(&called) {
            Err("a function of the database that the check does not know")
        } else if called == "set_config" && !self.sets_the_tenant(args) && !plans_anew(args) {
            Err("it sets something else than the tenant, or for longer than the transaction")
        } else {
            Ok(())
        }
    }

    /// Whether the tenant is the first argument, or the one with its name.
    fn hands_on(&self, args: &[FunctionArg]) -> bool {
        let first = match args.first() {
            Some(FunctionArg::Named { name: named, arg, .. }) if name(named) == PARAMETER => Some(arg),
            Some(FunctionArg::ExprNamed { name: named, arg, .. }) if is_parameter(named) => Some(arg),
            Some(FunctionArg::Unnamed(arg)) => Some(arg),
            _ => None,
        };
        let Some(FunctionArgExpr::Expr(first)) = first else { return false };
        match self.tenant {
            Tenant::Parameter => is_parameter(without_cast(first)),
            Tenant::Item => {
                matches!(first, Expr::CompoundIdentifier(parts) if parts.len() == 2 && name(&parts[1]) == "tenant")
            }
            Tenant::None => false,
        }
    }

    /// Whether these are `'convor.tenant', the tenant as text, true`.
    fn sets_the_tenant(&self, args: &[FunctionArg]) -> bool {
        let [setting, value, local] = args else { return false };
        let is_setting = is_text(setting, "convor.tenant");
        let is_local = literal(local) == Some(&Value::Boolean(true));
        let is_tenant = matches!(value, FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if is_parameter(without_cast(expr)));
        self.tenant == Tenant::Parameter && is_setting && is_local && is_tenant
    }
}

/// Whether these are `'plan_cache_mode', 'force_custom_plan', true`, which change how rows are found, and not which.
fn plans_anew(args: &[FunctionArg]) -> bool {
    let [setting, value, local] = args else { return false };
    is_text(setting, "plan_cache_mode")
        && is_text(value, "force_custom_plan")
        && literal(local) == Some(&Value::Boolean(true))
}

fn is_text(arg: &FunctionArg, text: &str) -> bool {
    matches!(literal(arg), Some(Value::SingleQuotedString(found)) if found == text)
}

fn literal(arg: &FunctionArg) -> Option<&Value> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => Some(&value.value),
        _ => None,
    }
}

fn without_cast(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast { expr, .. } | Expr::Nested(expr) => without_cast(expr),
        _ => expr,
    }
}

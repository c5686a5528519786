//! What the server says once it serves: one JSON line for programs, and a few lines for people.

use std::io::Write;
use std::net::SocketAddr;

use convor::domain::Role;
use serde::Serialize;

use crate::demo::{DemoOperator, DemoTenant};

#[derive(Serialize)]
struct Announcement<'a> {
    listen: SocketAddr,
    tenants: Vec<Tenant<'a>>,
}

#[derive(Serialize)]
struct Tenant<'a> {
    name: &'a str,
    tenant_key: String,
    site_key: String,
    visitor_page: String,
    dashboard: String,
    /// Those whose passwords are known here.
    operators: Vec<Operator<'a>>,
}

#[derive(Serialize)]
struct Operator<'a> {
    email: &'a str,
    password: &'a str,
    role: Role,
}

/// Prints the JSON line on standard output, and what people want to know on standard error.
pub(crate) fn print(listen: SocketAddr, tenants: &[DemoTenant]) -> std::io::Result<()> {
    let unknown: Vec<_> = tenants.iter().flat_map(|tenant| &tenant.operators).filter(is_unknown).collect();
    let tenants: Vec<_> = tenants.iter().map(|tenant| describe(listen, tenant)).collect();
    let mut err = std::io::stderr().lock();
    writeln!(err, "\nConvor serves on http://{listen}")?;
    for tenant in &tenants {
        writeln!(err, "\n{}", tenant.name)?;
        writeln!(err, "  visitor page  {}", tenant.visitor_page)?;
        writeln!(err, "  dashboard     {}", tenant.dashboard)?;
        for operator in &tenant.operators {
            writeln!(err, "    sign in as {} with {}", operator.email, operator.password)?;
        }
    }
    if !unknown.is_empty() {
        writeln!(
            err,
            "\nThe passwords of these are in `convor.db-demo` where the demonstration was first started:"
        )?;
        unknown.iter().try_for_each(|operator| writeln!(err, "  {}", operator.email))?;
        writeln!(
            err,
            "They stay as they are. To show them here, copy that file into this folder; to set new ones, use"
        )?;
        writeln!(err, "`Chat::set_password`.")?;
    }
    if tenants.is_empty() {
        writeln!(err, "There is no tenant yet. Start it with --demo to get two to try it with,")?;
        writeln!(err, "or make your own in code: see `Chat::create_tenant` and examples/embed-axum.")?;
    }
    writeln!(err)?;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &Announcement { listen, tenants })?;
    writeln!(out)?;
    out.flush()
}

fn is_unknown(operator: &&DemoOperator) -> bool {
    operator.password.is_none()
}

fn describe(listen: SocketAddr, tenant: &DemoTenant) -> Tenant<'_> {
    // Nobody can open an address that means "all of them".
    let host = if listen.ip().is_unspecified() {
        format!("localhost:{}", listen.port())
    } else {
        listen.to_string()
    };
    let operators = tenant.operators.iter().filter_map(|operator| {
        let DemoOperator { email, ref password, role } = *operator;
        Some(Operator { email, password: password.as_deref()?, role })
    });
    Tenant {
        name: tenant.name,
        tenant_key: tenant.tenant_key.to_string(),
        site_key: tenant.site_key.to_string(),
        visitor_page: format!("http://{host}/visit/{}", tenant.site_key),
        dashboard: format!("http://{host}/dashboard?tenant={}", tenant.tenant_key),
        operators: operators.collect(),
    }
}

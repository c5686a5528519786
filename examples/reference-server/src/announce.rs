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
    operators: Vec<Operator<'a>>,
}

#[derive(Serialize)]
struct Operator<'a> {
    email: &'a str,
    /// `None` if it is not known here.
    password: Option<&'a str>,
    role: Role,
}

/// Prints the JSON line on standard output, and what people want to know on standard error. `filled` says whether the storage
/// has tenants, of the demonstration or others.
pub(crate) fn print(listen: SocketAddr, tenants: &[DemoTenant], filled: bool) -> std::io::Result<()> {
    let tenants: Vec<_> = tenants.iter().map(|tenant| describe(listen, tenant)).collect();
    let mut err = std::io::stderr().lock();
    writeln!(err, "\nConvor serves on http://{listen}")?;
    for tenant in &tenants {
        writeln!(err, "\n{}", tenant.name)?;
        writeln!(err, "  visitor page  {}", tenant.visitor_page)?;
        writeln!(err, "  dashboard     {}", tenant.dashboard)?;
        for Operator { email, password, .. } in &tenant.operators {
            if let Some(password) = password {
                writeln!(err, "    sign in as {email} with {password}")?;
            }
        }
    }
    let operators = tenants.iter().flat_map(|tenant| &tenant.operators);
    let unknown: Vec<_> = operators.filter(|operator| operator.password.is_none()).collect();
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
        writeln!(err, "`Chat::set_password`. If that file is lost, start with another database.")?;
    }
    if !filled {
        writeln!(err, "There is no tenant yet. Start it with --demo to get two to try it with,")?;
        writeln!(err, "or make your own in code: see `Chat::create_tenant` and examples/embed-axum.")?;
    } else if tenants.is_empty() {
        writeln!(
            err,
            "\nIt serves the tenants that are stored. With --demo it prints the addresses of the demonstration's."
        )?;
    }
    writeln!(err)?;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &Announcement { listen, tenants })?;
    writeln!(out)?;
    out.flush()
}

fn describe(listen: SocketAddr, tenant: &DemoTenant) -> Tenant<'_> {
    // Nobody can open an address that means "all of them".
    let host = if listen.ip().is_unspecified() {
        format!("localhost:{}", listen.port())
    } else {
        listen.to_string()
    };
    let operators = tenant.operators.iter().map(|operator| {
        let DemoOperator { email, ref password, role } = *operator;
        Operator { email, password: password.as_deref(), role }
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

//! Two tenants to try it with.

use convor::credentials::{SiteKey, TenantKey};
use convor::domain::{Origin, Role};
use convor::service::{NewOperator, NewSite};
use convor::{Chat, Error};

/// A tenant of the demonstration, with what is needed to use it.
#[derive(Debug)]
pub(crate) struct DemoTenant {
    pub(crate) name: &'static str,
    pub(crate) tenant_key: TenantKey,
    pub(crate) site_key: SiteKey,
    pub(crate) operators: Vec<DemoOperator>,
}

/// Somebody who can sign in.
#[derive(Debug)]
pub(crate) struct DemoOperator {
    pub(crate) email: &'static str,
    pub(crate) password: String,
    pub(crate) role: Role,
}

struct Script {
    name: &'static str,
    title: &'static str,
    greeting: &'static str,
    color: &'static str,
    people: [(&'static str, &'static str, Role); 2],
}

const SCRIPTS: [Script; 2] = [
    Script {
        name: "Fernweh Bicycles",
        title: "Talk to Fernweh",
        greeting: "Hello! Ask us anything about bicycles, repairs or your order.",
        color: "#0b6e4f",
        people: [
            ("Anna Lindqvist", "anna@fernweh.example", Role::Owner),
            ("Ben Okafor", "ben@fernweh.example", Role::Operator),
        ],
    },
    Script {
        name: "Juniper Tea House",
        title: "Chat with Juniper",
        greeting: "Welcome to Juniper. How can we help?",
        color: "#7a3e9d",
        people: [
            ("Clara Moreau", "clara@juniper.example", Role::Owner),
            ("Dinesh Rao", "dinesh@juniper.example", Role::Operator),
        ],
    },
];

/// Makes the tenants. Their passwords are new at each start.
pub(crate) async fn fill(chat: &Chat, origins: &[Origin]) -> Result<Vec<DemoTenant>, Error> {
    let mut tenants = Vec::new();
    for script in &SCRIPTS {
        tenants.push(play(chat, script, origins).await?);
    }
    Ok(tenants)
}

async fn play(chat: &Chat, script: &Script, origins: &[Origin]) -> Result<DemoTenant, Error> {
    let Script { name, title, greeting, color, .. } = *script;
    let tenant = chat.create_tenant(name, "local").await?;
    let origins: Vec<_> = origins.iter().map(Origin::as_str).collect();
    let site = chat.create_site(tenant, NewSite { name, title, greeting, color, origins: &origins }).await?;
    let mut operators = Vec::new();
    for (name, email, role) in script.people {
        let operator = chat.create_operator(tenant, NewOperator { name, email, role }).await?;
        let random = u128::from_be_bytes(chat.random_bytes());
        let password = format!("{:016x}", random >> 64);
        chat.set_password(tenant, operator.id, &password).await?;
        operators.push(DemoOperator { email, password, role });
    }
    Ok(DemoTenant {
        name,
        tenant_key: TenantKey::new(tenant),
        site_key: SiteKey::new(tenant, site.id),
        operators,
    })
}

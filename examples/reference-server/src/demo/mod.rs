//! Two tenants to try it with: those of the last time, as far as they are there.

mod passwords;

use std::path::Path;

use anyhow::Context;
use convor::Chat;
use convor::credentials::{SiteKey, TenantKey};
use convor::domain::{Operator, Origin, Role};
use convor::ids::{SiteId, TenantId};
use convor::ports::Storage;
use convor::service::{NewOperator, NewSite};

use passwords::Passwords;

/// By this region the demonstration's tenants are known among others.
const REGION: &str = "demo";

/// Entries that are listed at once.
const PAGE: usize = 200;

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
    /// `None` if another server has set it.
    pub(crate) password: Option<String>,
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

/// Finds the tenants, or makes what is missing of them. Who shares the storage with other servers leaves alone the passwords
/// that those have set.
pub(crate) async fn fill(
    chat: &Chat,
    storage: &dyn Storage,
    passwords: Option<&Path>,
    shared: bool,
    origins: &[Origin],
) -> anyhow::Result<Vec<DemoTenant>> {
    let mut passwords = Passwords::read(passwords, shared)?;
    let mut tenants = Vec::new();
    for script in &SCRIPTS {
        tenants.push(play(chat, storage, script, &mut passwords, origins).await?);
    }
    Ok(tenants)
}

async fn play(
    chat: &Chat,
    storage: &dyn Storage,
    script: &Script,
    passwords: &mut Passwords,
    origins: &[Origin],
) -> anyhow::Result<DemoTenant> {
    let name = script.name;
    let tenant = match find_tenant(storage, name).await? {
        Some(tenant) => tenant,
        None => {
            passwords.prove_writable()?;
            chat.create_tenant(name, REGION).await?
        }
    };
    let site = match find_site(storage, tenant, origins).await? {
        Some(site) => site,
        None => create_site(chat, tenant, script, origins).await?,
    };
    let mut operators = Vec::new();
    for (name, email, role) in script.people {
        let operator = match find_operator(storage, tenant, email).await? {
            Some(operator) => operator,
            None => chat.create_operator(tenant, NewOperator { name, email, role }).await?,
        };
        let password = match passwords.of(operator.id) {
            Some(password) => Some(password.to_owned()),
            // Those who sign in with it at another server go on to do so.
            None if passwords.may_be_elsewhere(operator.id)
                && has_password(storage, tenant, &operator).await? =>
            {
                None
            }
            None => {
                let random = u128::from_be_bytes(chat.random_bytes());
                let password = format!("{:016x}", random >> 64);
                // One that is set is to be found again, whatever happens between the two.
                passwords.begin(operator.id, &password)?;
                chat.set_password(tenant, operator.id, &password).await?;
                passwords.keep(operator.id, &password)?;
                Some(password)
            }
        };
        operators.push(DemoOperator { email, password, role });
    }
    Ok(DemoTenant {
        name,
        tenant_key: TenantKey::new(tenant),
        site_key: SiteKey::new(tenant, site),
        operators,
    })
}

async fn find_tenant(storage: &dyn Storage, name: &str) -> anyhow::Result<Option<TenantId>> {
    let mut after = None;
    loop {
        let page = storage.registry().list(after, PAGE).await?;
        for tenant in page.iter().filter(|tenant| tenant.region == REGION) {
            let profile = storage.tenants().find(tenant.id).await?;
            if profile.is_some_and(|profile| profile.name.as_str() == name) {
                return Ok(Some(tenant.id));
            }
        }
        let Some(last) = page.last() else { return Ok(None) };
        after = Some(last.id);
    }
}

/// A site belongs to its origins: on another port the pages get one of their own.
async fn find_site(
    storage: &dyn Storage,
    tenant: TenantId,
    origins: &[Origin],
) -> anyhow::Result<Option<SiteId>> {
    let mut after = None;
    loop {
        let page = storage.sites().page(tenant, after, PAGE).await?;
        let found = page.iter().find(|site| origins.iter().all(|origin| site.origins.contains(origin)));
        if let Some(site) = found {
            return Ok(Some(site.id));
        }
        let Some(last) = page.last() else { return Ok(None) };
        after = Some(last.id);
    }
}

async fn create_site(
    chat: &Chat,
    tenant: TenantId,
    script: &Script,
    origins: &[Origin],
) -> anyhow::Result<SiteId> {
    let Script { name, title, greeting, color, .. } = *script;
    let origins: Vec<_> = origins.iter().map(Origin::as_str).collect();
    let site = chat.create_site(tenant, NewSite { name, title, greeting, color, origins: &origins }).await?;
    Ok(site.id)
}

async fn has_password(storage: &dyn Storage, tenant: TenantId, operator: &Operator) -> anyhow::Result<bool> {
    let accounts = storage.accounts().context("this storage keeps no passwords")?;
    Ok(accounts.find_login(tenant, &operator.email).await?.is_some())
}

async fn find_operator(
    storage: &dyn Storage,
    tenant: TenantId,
    email: &str,
) -> anyhow::Result<Option<Operator>> {
    let mut after = None;
    loop {
        let page = storage.operators().page(tenant, after, PAGE).await?;
        after = page.last().map(|operator| operator.id);
        if let Some(found) = page.into_iter().find(|operator| operator.email.as_str() == email) {
            return Ok(Some(found));
        }
        if after.is_none() {
            return Ok(None);
        }
    }
}

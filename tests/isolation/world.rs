//! Two tenants with everybody in them, and what one of them has.

use std::sync::Arc;

use convor::Chat;
use convor::credentials::{SiteKey, TenantKey};
use convor::domain::Role;
use convor::service::{NewOperator, NewSite};
use convor_memory::MemoryStorage;
use convor_tests::fixture::{ORIGIN, PASSWORD, Tenant};
use convor_tests::host::{Ask, Host, generous};
use http::Method;
use serde_json::{Value, json};

/// Two tenants behind one host.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) host: Host,
    pub(crate) storage: Arc<MemoryStorage>,
    pub(crate) acme: Side,
    pub(crate) bolt: Side,
}

/// A tenant, and what its people and its conversation are known by.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) tenant: Tenant,
    pub(crate) owner: String,
    pub(crate) admin: String,
    pub(crate) operator: String,
    /// Who has opened the conversation.
    pub(crate) member: String,
    /// Who was on the same site.
    pub(crate) neighbour: String,
    /// Who was on another site of the tenant.
    pub(crate) stranger: String,
    pub(crate) member_id: String,
    pub(crate) conversation: String,
    pub(crate) opened_with: String,
    pub(crate) message: String,
}

/// Somebody to whom the first tenant's conversation is none of its business.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outsider<'a> {
    pub(crate) role: &'static str,
    pub(crate) token: Option<&'a str>,
    /// The conversation that is its own business, if there is one.
    pub(crate) own: Option<&'a str>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let storage = Arc::new(MemoryStorage::new());
        let chat = Chat::builder(storage.clone()).limits(generous()).start();
        let host = Host::new(chat);
        let acme = Side::new(&host, "Acme").await;
        let bolt = Side::new(&host, "Bolt").await;
        Self { host, storage, acme, bolt }
    }

    /// Everybody to whom the conversation of Acme is none of their business.
    pub(crate) fn outsiders(&self) -> [Outsider<'_>; 7] {
        let own = Some(self.bolt.conversation.as_str());
        [
            Outsider { role: "nobody", token: None, own: None },
            Outsider { role: "a visitor of the same site", token: Some(&self.acme.neighbour), own: None },
            Outsider { role: "a visitor of another site", token: Some(&self.acme.stranger), own: None },
            Outsider { role: "a visitor of another tenant", token: Some(&self.bolt.member), own },
            Outsider { role: "an operator of another tenant", token: Some(&self.bolt.operator), own },
            Outsider { role: "an admin of another tenant", token: Some(&self.bolt.admin), own },
            Outsider { role: "an owner of another tenant", token: Some(&self.bolt.owner), own },
        ]
    }

    /// Ids of Acme's things, each with what it is.
    pub(crate) fn foreign_ids(&self) -> Vec<(&'static str, String)> {
        let Side { tenant, conversation, member_id, message, .. } = &self.acme;
        vec![
            ("a conversation", conversation.clone()),
            ("a visitor", member_id.clone()),
            ("an operator", tenant.anna.id.to_string()),
            ("a site", tenant.site.id.to_string()),
            ("a tenant", tenant.id.to_string()),
            ("a message", message.clone()),
        ]
    }

    /// All that Acme's owner sees of its conversation, to find out whether anything has come of it.
    pub(crate) async fn truth(&self) -> [Value; 2] {
        let path = format!("/v1/conversations/{}", self.acme.conversation);
        let owner = Some(self.acme.owner.as_str());
        [
            self.host.ask(Ask::get(&path).by(owner)).await.json(),
            self.host.ask(Ask::get(format!("{path}/events")).by(owner)).await.json(),
        ]
    }
}

impl Side {
    async fn new(host: &Host, name: &str) -> Self {
        let tenant = Tenant::new(&host.chat, name).await;
        let (id, chat) = (tenant.id, &host.chat);
        let new = NewOperator { name: "Cleo", email: "cleo@example.org", role: Role::Admin };
        let cleo = chat.create_operator(id, new).await.expect("an operator");
        for operator in [tenant.anna.id, tenant.ben.id, cleo.id] {
            chat.set_password(id, operator, PASSWORD).await.expect("a password");
        }
        let new = NewSite {
            name: "Elsewhere",
            title: "Talk to us",
            greeting: "Hello!",
            color: "#0b6e4f",
            origins: &[ORIGIN],
        };
        let elsewhere = chat.create_site(id, new).await.expect("a site");
        let (member_id, member) = host.register(tenant.site_key()).await;
        let opened_with = convor_tests::fixture::new_id::<uuid::Uuid>().to_string();
        let opening =
            json!({"client_id": opened_with, "first_message": {"client_id": opened_with, "text": "hello"}});
        let opened = host.ask(Ask::post("/v1/conversations", &opening).by(Some(&member))).await.json();
        Self {
            owner: host.sign_in(&tenant, "anna@example.org").await,
            admin: host.sign_in(&tenant, "cleo@example.org").await,
            operator: host.sign_in(&tenant, "ben@example.org").await,
            neighbour: host.register(tenant.site_key()).await.1,
            stranger: host.register(SiteKey::new(id, elsewhere.id)).await.1,
            conversation: text(&opened["conversation"]["id"]),
            message: text(&opened["message"]["message_id"]),
            opened_with,
            member,
            member_id,
            tenant,
        }
    }

    /// The key at which its operators sign in.
    pub(crate) fn key(&self) -> String {
        TenantKey::new(self.tenant.id).to_string()
    }

    /// The state of its conversation, for `If-Match`.
    pub(crate) async fn tag(&self, host: &Host) -> String {
        let path = format!("/v1/conversations/{}", self.conversation);
        let answer = host.ask(Ask::get(path).by(Some(&self.owner))).await;
        answer.header("etag").expect("a tag")
    }

    /// Changes its conversation.
    pub(crate) async fn change(&self, host: &Host, change: &Value) -> u16 {
        let path = format!("/v1/conversations/{}", self.conversation);
        let tag = self.tag(host).await;
        let ask = Ask::new(Method::PATCH, path).by(Some(&self.owner)).header("if-match", tag).json(change);
        host.ask(ask).await.status
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

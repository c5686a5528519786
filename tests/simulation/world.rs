//! What is there before anything happens: two tenants, their people, what all nodes share.

use std::sync::Arc;
use std::time::Duration;

use convor::Chat;
use convor::credentials::{SiteKey, Token, TokenKind};
use convor::domain::{Author, Role};
use convor::ids::{TenantId, VisitorId};
use convor::ports::storage::{NewSession, PasswordHash};
use convor::ports::{Change, Storage};
use convor::service::{NewOperator, NewSite};
use convor_memory::{MemoryBroker, MemoryStorage};
use convor_tests::fixture::ORIGIN;

use crate::bug::Bug;
use crate::checker::{Reader, ReaderId, Wants};
use crate::clock::stamp;
use crate::dice::{Dice, SeededEntropy};
use crate::network::Network;
use crate::watcher::Watcher;

/// Longer than any simulation, wrong clocks included.
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// What everybody shares.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) bug: Option<Bug>,
    pub(crate) nodes: usize,
    pub(crate) watcher: Arc<Watcher>,
    pub(crate) network: Network,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) broker: Arc<MemoryBroker>,
}

/// Somebody who talks and reads, at one device.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    /// How words begin that belong to its tenant.
    pub(crate) secret: String,
    pub(crate) tenant: TenantId,
    pub(crate) token: String,
    pub(crate) reader: ReaderId,
    pub(crate) kind: Kind,
}

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Asks, and follows its own conversations.
    Visitor,
    /// An operator who listens to the inbox, and follows all conversations.
    Desk,
    /// An operator who lists the inbox now and then, and follows all conversations.
    Follower,
    /// An operator who listens to the inbox, and follows none.
    Lister,
}

impl Kind {
    pub(crate) const fn hears_inbox(self) -> bool {
        matches!(self, Self::Desk | Self::Lister)
    }

    pub(crate) const fn is_staff(self) -> bool {
        !matches!(self, Self::Visitor)
    }
}

impl World {
    pub(crate) fn new(seed: u64, bug: Option<Bug>, nodes: usize) -> Self {
        Self {
            seed,
            bug,
            nodes,
            watcher: Arc::new(Watcher::new()),
            network: Network::new(bug == Some(Bug::SkipsFrames)),
            storage: Arc::new(MemoryStorage::new()),
            // Every other cluster hears what is said, and not only that something was.
            broker: Arc::new(if seed.is_multiple_of(2) {
                MemoryBroker::new()
            } else {
                MemoryBroker::new().carrying_content()
            }),
        }
    }

    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Makes a tenant and its people.
    pub(crate) async fn people(&self, chat: &Chat, tenant_name: &str, dice: &mut Dice) -> Vec<Person> {
        let tenant = chat.create_tenant(tenant_name, "eu").await.expect("a tenant");
        let secret = format!("canary-{tenant_name}-");
        let site = NewSite {
            name: tenant_name,
            title: "Talk to us",
            greeting: "Hello!",
            color: "#0b6e4f",
            origins: &[ORIGIN],
        };
        let site = chat.create_site(tenant, site).await.expect("a site");
        let mut people = Vec::new();
        for number in 0..2 + dice.index(2) {
            let key = SiteKey::new(tenant, site.id);
            let (visitor, token) = chat.register_visitor(&key, None).await.expect("a visitor");
            // The second device of the first visitor finds conversations that it does not hold.
            let devices = if number == 0 { 2 } else { 1 };
            for device in 0..devices {
                let name = format!("{tenant_name}-v{number}.{device}");
                let secrets = format!("{secret}v{number}-open");
                let token = token.reveal().to_owned();
                let mut person = self.person(name, tenant, Some(visitor.id), Kind::Visitor, (secrets, token));
                person.secret = format!("{secret}v{number}-");
                people.push(person);
            }
        }
        let operators = [("desk", Kind::Desk), ("follower", Kind::Follower), ("lister", Kind::Lister)];
        for (what, kind) in operators {
            let (name, email) = (format!("{tenant_name}-{what}"), format!("{what}@example.org"));
            let token = self.operator(chat, tenant, (&name, &email), dice).await;
            people.push(self.person(name, tenant, None, kind, (secret.clone(), token)));
        }
        people
    }

    fn person(
        &self,
        name: String,
        tenant: TenantId,
        visitor: Option<VisitorId>,
        kind: Kind,
        (secret, token): (String, String),
    ) -> Person {
        let wants = if kind == Kind::Lister { Wants::List } else { Wants::Logs };
        let reader = Reader { name: name.clone(), tenant, visitor, wants, secrets: secret.clone() };
        let reader = self.watcher.admit(reader);
        Person { name, secret, tenant, token, reader, kind }
    }

    /// Makes an operator who is signed in, without the work of a password's hash.
    async fn operator(
        &self,
        chat: &Chat,
        tenant: TenantId,
        (name, email): (&str, &str),
        dice: &mut Dice,
    ) -> String {
        let new = NewOperator { name, email, role: Role::Operator };
        let operator = chat.create_operator(tenant, new).await.expect("an operator");
        let accounts = self.storage.accounts().expect("it keeps accounts");
        let began = self.watcher.began();
        let change = Change::new(Author::System, stamp(began, Duration::ZERO));
        let hash = PasswordHash::from_phc("$none".to_owned());
        assert!(accounts.set_password(tenant, operator.id, &hash, &change).await.expect("it is kept"));
        let entropy = SeededEntropy::new(Dice::new(dice.roll(), name));
        let token = Token::generate(TokenKind::Session, tenant, &entropy);
        let session = NewSession {
            id: dice.id(),
            operator: operator.id,
            verified: hash,
            token: token.hash(),
            expires_at: stamp(began, YEAR),
        };
        assert!(accounts.insert_session(tenant, &session, &change).await.expect("it is kept"));
        token.reveal().to_owned()
    }
}

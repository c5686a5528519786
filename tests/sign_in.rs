//! A password that changes while somebody signs in, sessions that end with it, and how often one may try.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use convor::credentials::{TenantKey, Token, TokenHash};
use convor::domain::{Author, Email};
use convor::hub::Outlet;
use convor::ids::{OperatorId, SessionId, TenantId};
use convor::ports::storage::{
    AccountRepository, AuditRepository, ControlRepository, ConversationRepository, EventRepository, Login,
    NewSession, OperatorRepository, OutboxRepository, PageRepository, PasswordHash, ReadRepository,
    Session as StoredSession, SiteRepository, TenantRegistry, TenantRepository, VisitorRepository,
};
use convor::ports::{Authenticated, Change, Close, Storage, StorageError, Transport};
use convor::session::{Entrance, Session};
use convor::time::Timestamp;
use convor::{Chat, Error, Limits, Rate};
use convor_memory::{InProcess, MemoryStorage};
use convor_tests::fixture::{PASSWORD, Tenant, chat, new_id};
use convor_tests::patience::PATIENCE;
use serde_json::json;
use tokio::sync::Notify;

const OLD: &str = "the old password";
const NEW: &str = "another long and good one";

/// `OLD`, hashed with other parameters than the present ones, as an import brings it.
const IMPORTED: &str =
    "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$jTC7i/f50iIz4hB3LduU6fvH4xCvvmZf2eJtGFi8o6Y";

/// A storage in memory that holds back the answer to a login.
#[derive(Debug)]
struct Held {
    inner: MemoryStorage,
    /// Somebody has looked, and waits for the answer.
    looked: Notify,
    /// It may have it.
    answer: Notify,
}

impl Held {
    fn new() -> Arc<Self> {
        Arc::new(Self { inner: MemoryStorage::new(), looked: Notify::new(), answer: Notify::new() })
    }

    fn kept(&self) -> &dyn AccountRepository {
        self.inner.accounts().expect("the storage in memory keeps accounts")
    }
}

#[async_trait]
impl AccountRepository for Held {
    async fn set_password(
        &self,
        tenant: TenantId,
        operator: OperatorId,
        hash: &PasswordHash,
        change: &Change,
    ) -> Result<bool, StorageError> {
        self.kept().set_password(tenant, operator, hash, change).await
    }

    async fn replace_hash(
        &self,
        tenant: TenantId,
        operator: OperatorId,
        expected: &PasswordHash,
        new: &PasswordHash,
        change: &Change,
    ) -> Result<bool, StorageError> {
        self.kept().replace_hash(tenant, operator, expected, new, change).await
    }

    async fn find_login(&self, tenant: TenantId, email: &Email) -> Result<Option<Login>, StorageError> {
        let login = self.kept().find_login(tenant, email).await;
        self.looked.notify_one();
        self.answer.notified().await;
        login
    }

    async fn insert_session(
        &self,
        tenant: TenantId,
        session: &NewSession,
        change: &Change,
    ) -> Result<bool, StorageError> {
        self.kept().insert_session(tenant, session, change).await
    }

    async fn find_session(
        &self,
        tenant: TenantId,
        token: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<StoredSession>, StorageError> {
        self.kept().find_session(tenant, token, now).await
    }

    async fn end_session(
        &self,
        tenant: TenantId,
        session: SessionId,
        change: &Change,
    ) -> Result<bool, StorageError> {
        self.kept().end_session(tenant, session, change).await
    }
}

macro_rules! handed_on {
    ($($accessor:ident: $repository:ident)*) => {
        #[async_trait]
        impl Storage for Held {
            $(fn $accessor(&self) -> &dyn $repository {
                self.inner.$accessor()
            })*

            fn accounts(&self) -> Option<&dyn AccountRepository> {
                Some(self)
            }

            async fn ping(&self) -> Result<(), StorageError> {
                self.inner.ping().await
            }
        }
    };
}

handed_on! {
    registry: TenantRegistry
    tenants: TenantRepository
    sites: SiteRepository
    visitors: VisitorRepository
    pages: PageRepository
    operators: OperatorRepository
    conversations: ConversationRepository
    events: EventRepository
    reads: ReadRepository
    outbox: OutboxRepository
    control: ControlRepository
    audit: AuditRepository
}

fn key(tenant: &Tenant) -> String {
    TenantKey::new(tenant.id).to_string()
}

async fn sign_in(tenant: &Tenant, password: &str, from: Option<IpAddr>) -> Result<Token, Error> {
    let signed_in = tenant.chat.sign_in(&key(tenant), tenant.anna.email.as_str(), password, from).await;
    signed_in.map(|signed_in| signed_in.token)
}

/// A tenant in the storage, whose operator has the imported password.
async fn imported(storage: &Arc<Held>) -> Tenant {
    let chat = Chat::builder(Arc::clone(storage) as Arc<dyn Storage>).start();
    let tenant = Tenant::new(&chat, "Acme").await;
    let (hash, change) =
        (PasswordHash::from_phc(IMPORTED.to_owned()), Change::new(Author::System, chat.now()));
    let set = storage.set_password(tenant.id, tenant.anna.id, &hash, &change).await;
    assert!(set.expect("set"), "the operator is there");
    tenant
}

/// Somebody who signs in with this password, and has looked up the login.
async fn signing_in(
    storage: &Held,
    tenant: &Tenant,
    password: &'static str,
) -> tokio::task::JoinHandle<Result<Token, Error>> {
    let of = tenant.clone();
    let task = tokio::spawn(async move { sign_in(&of, password, None).await });
    storage.looked.notified().await;
    task
}

async fn hello(chat: &Chat, token: &Token) -> (Session, Arc<Outlet>) {
    let outlet = Arc::new(Outlet::new(chat.limits()));
    let mut session = Session::new(chat, Arc::clone(&outlet) as Arc<dyn Transport>, Entrance::default());
    session.receive(&json!({"type": "hello", "token": token.reveal()}).to_string()).await;
    assert!(session.is_welcomed());
    (session, outlet)
}

#[tokio::test]
async fn s16_a_new_password_ends_sessions_and_closes_sockets() {
    let tenant = Tenant::new(&chat(), "Acme").await;
    tenant.chat.set_password(tenant.id, tenant.anna.id, PASSWORD).await.expect("set");
    let token = sign_in(&tenant, PASSWORD, None).await.expect("signed in");
    let (_session, outlet) = hello(&tenant.chat, &token).await;
    tenant.chat.set_password(tenant.id, tenant.anna.id, NEW).await.expect("set");
    let accepted = tenant.chat.authenticate(token.reveal()).await.expect("an answer");
    assert_eq!(accepted, None, "the session of the old password is over");
    let end = tokio::time::timeout(PATIENCE, async {
        while outlet.closing().is_none() {
            tokio::task::yield_now().await;
        }
    });
    end.await.expect("its socket is closed");
    assert_eq!(outlet.closing(), Some(Close::Revoked));
    sign_in(&tenant, NEW, None).await.expect("the new one is good");
}

#[tokio::test]
async fn s08_a_rehash_does_not_bring_the_old_password_back() {
    let storage = Held::new();
    let tenant = imported(&storage).await;
    let late = signing_in(&storage, &tenant, OLD).await;
    tenant.chat.set_password(tenant.id, tenant.anna.id, NEW).await.expect("set");
    // Its own answer, and that to its second look.
    storage.answer.notify_one();
    storage.looked.notified().await;
    storage.answer.notify_one();
    let late = late.await.expect("no panic");
    assert!(matches!(late, Err(Error::Unauthenticated)), "the old password is none: {late:?}");
    let new = signing_in(&storage, &tenant, NEW).await;
    storage.answer.notify_one();
    new.await.expect("no panic").expect("the new password is there");
}

#[tokio::test]
async fn s08_a_rehash_at_sign_in_keeps_password_and_sessions() {
    let storage = Held::new();
    let tenant = imported(&storage).await;
    let (one, two) = (signing_in(&storage, &tenant, OLD).await, signing_in(&storage, &tenant, OLD).await);
    // Both hold the imported hash; the one that is slower looks again and finds the other's.
    let answers = Arc::clone(&storage);
    let answering = tokio::spawn(async move {
        loop {
            answers.answer.notify_one();
            tokio::task::yield_now().await;
        }
    });
    for task in [one, two] {
        let token = task.await.expect("no panic").expect("signed in");
        let accepted = tenant.chat.authenticate(token.reveal()).await.expect("an answer");
        assert!(accepted.is_some(), "a session goes on through a rehash");
    }
    let email = Email::parse("anna@example.org").expect("an address");
    let login = storage.find_login(tenant.id, &email).await.expect("an answer").expect("a login");
    answering.abort();
    assert_ne!(login.hash.as_str(), IMPORTED, "it has the present parameters now");
}

#[tokio::test]
async fn s16_a_session_does_not_begin_with_a_password_that_has_changed() {
    let storage = Held::new();
    let tenant = imported(&storage).await;
    let first = signing_in(&storage, &tenant, OLD).await;
    storage.answer.notify_one();
    first.await.expect("no panic").expect("signed in, and rehashed");
    let late = signing_in(&storage, &tenant, OLD).await;
    tenant.chat.set_password(tenant.id, tenant.anna.id, NEW).await.expect("set");
    storage.answer.notify_one();
    let late = late.await.expect("no panic");
    assert!(matches!(late, Err(Error::Unauthenticated)), "what it was verified against is gone: {late:?}");
}

#[tokio::test]
async fn s16_a_host_ends_its_own_sessions() {
    let tenant = Tenant::new(&chat(), "Acme").await;
    let principal = convor::domain::Principal::operator(tenant.id, tenant.anna.id, tenant.anna.role);
    let (ended, other): (SessionId, SessionId) = (new_id(), new_id());
    let connect = async |session| {
        let outlet = Arc::new(Outlet::new(tenant.chat.limits()));
        let authenticated = Authenticated::new(principal).session(session);
        let transport = Arc::clone(&outlet) as Arc<dyn Transport>;
        let session = Session::welcomed(&tenant.chat, transport, authenticated).await.expect("welcome");
        (session, outlet)
    };
    let ((_one, closed), (_two, open)) = (connect(ended).await, connect(other).await);
    tenant.chat.end_session(tenant.id, ended).await.expect("ended");
    let end = tokio::time::timeout(PATIENCE, async {
        while closed.closing().is_none() {
            tokio::task::yield_now().await;
        }
    });
    end.await.expect("its socket is closed");
    assert_eq!(closed.closing(), Some(Close::Revoked));
    assert_eq!(open.closing(), None, "another session goes on");
    tenant.chat.end_session(tenant.id, ended).await.expect("it may be ended again");
    drop(InProcess::new(&tenant.chat).connect(principal).await.expect("the operator may come back"));
}

fn tight() -> Limits {
    let mut limits = Limits::default();
    limits.sign_ins = Rate::per_minute(1, 2);
    limits.sign_ins_per_account = Rate::per_minute(1, 5);
    limits.sign_ins_per_address = Rate::per_minute(1, 8);
    limits
}

async fn tight_tenant() -> Tenant {
    let chat = Chat::builder(Arc::new(MemoryStorage::new())).limits(tight()).start();
    let tenant = Tenant::new(&chat, "Acme").await;
    chat.set_password(tenant.id, tenant.anna.id, PASSWORD).await.expect("set");
    tenant
}

fn address(n: u8) -> Option<IpAddr> {
    Some([192, 0, 2, n].into())
}

#[tokio::test]
async fn s11_a_stranger_who_guesses_does_not_lock_out_whose_account_it_is() {
    let tenant = tight_tenant().await;
    for guess in 0..7 {
        let refused = sign_in(&tenant, "a guess that is wrong", address(1)).await;
        match guess {
            0 | 1 => assert!(matches!(refused, Err(Error::Unauthenticated)), "{refused:?}"),
            _ => assert!(matches!(refused, Err(Error::RateLimited { .. })), "{refused:?}"),
        }
    }
    sign_in(&tenant, PASSWORD, address(2)).await.expect("from elsewhere the account is open");
}

#[tokio::test]
async fn s11_an_account_is_guarded_against_many_addresses() {
    let tenant = tight_tenant().await;
    for n in 1..=5 {
        let refused = sign_in(&tenant, "a guess that is wrong", address(n)).await;
        assert!(matches!(refused, Err(Error::Unauthenticated)), "{refused:?}");
    }
    let refused = sign_in(&tenant, PASSWORD, address(6)).await;
    assert!(matches!(refused, Err(Error::RateLimited { .. })), "{refused:?}");
}

#[tokio::test]
async fn s11_an_address_is_slowed_down_at_made_up_tenants_too() {
    let tenant = tight_tenant().await;
    let attempt = async || {
        let made_up = TenantKey::new(new_id()).to_string();
        tenant.chat.sign_in(&made_up, "anna@example.org", PASSWORD, address(1)).await.map(|_| ())
    };
    for _ in 0..8 {
        let refused = attempt().await;
        assert!(matches!(refused, Err(Error::Unauthenticated)), "{refused:?}");
    }
    let refused = attempt().await;
    assert!(matches!(refused, Err(Error::RateLimited { .. })), "{refused:?}");
    sign_in(&tenant, PASSWORD, address(2)).await.expect("another address is free");
}

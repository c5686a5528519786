//! What the measurements are taken on: a server, a database, tenants with conversations, and logs filled through the
//! interface by which storages are copied.

use std::sync::Arc;

use anyhow::{Context, Result};
use convor::domain::{
    Author, BodyDigest, Conversation, Event, EventKind, Heads, Message, MessageKind, PerAudience, Position,
    Site, Status, TenantRecord, TenantState, Text, Visitor,
};
use convor::domain::{Color, Origin};
use convor::ids::{ClientId, ConversationId, MessageId, SiteId, TenantId, VisitorId};
use convor::ports::storage::{Append, NewMessage, Record};
use convor::ports::{Change, Storage};
use convor::time::Timestamp;
use convor_postgres::{Batching, PostgresOptions, PostgresStorage};
use convor_tests::database::Database;
use convor_tests::fixture::new_id;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

/// About what a chat message weighs.
const TEXT: &str =
    "Is this the one with the leather saddle? I would like to pick it up on Saturday, if that is possible.";

/// How many records one import takes.
const PAGE: usize = 2_000;

/// A database on a server, and storages on it.
pub(crate) struct World {
    pub(crate) database: Database,
    /// The superuser's connections, whom no policy binds.
    pub(crate) superuser: PgPool,
}

/// A conversation to which its visitor may write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) tenant: TenantId,
    pub(crate) site: SiteId,
    pub(crate) visitor: VisitorId,
    pub(crate) conversation: ConversationId,
}

impl World {
    pub(crate) async fn new(server: &str) -> Result<Self> {
        let database = Database::fresh_on(server).await;
        let superuser = PgPoolOptions::new()
            .max_connections(40)
            .test_before_acquire(false)
            .connect(&database.superuser_url())
            .await
            .context("the server answers")?;
        // Servers for tests forget what a power cut takes; what is measured here is durable.
        for setting in [
            "ALTER SYSTEM SET fsync = on",
            "ALTER SYSTEM SET full_page_writes = on",
            "SELECT pg_reload_conf()",
        ] {
            sqlx::raw_sql(setting).execute(&superuser).await?;
        }
        Ok(Self { database, superuser })
    }

    /// A storage with so many connections.
    pub(crate) async fn storage(&self, connections: u32, batching: Batching) -> Result<Arc<PostgresStorage>> {
        let options = self.options(connections)?.batching(batching);
        Ok(Arc::new(PostgresStorage::connect(options).await?))
    }

    fn options(&self, connections: u32) -> Result<PostgresOptions> {
        let options = PostgresOptions::new(&self.database.app_url())?;
        Ok(options.connections_max(connections).connections_min(connections))
    }

    /// As the application's role, with statements of the measurement's own.
    pub(crate) async fn application(&self) -> Result<PgPool> {
        let pool = PgPoolOptions::new().max_connections(40).test_before_acquire(false);
        Ok(pool.connect(&self.database.app_url()).await?)
    }

    /// Brings the planner's knowledge and the visibility map up to date, as a server does by itself after a while.
    pub(crate) async fn settle(&self) -> Result<()> {
        sqlx::raw_sql("VACUUM ANALYZE").execute(&self.superuser).await?;
        sqlx::raw_sql("CHECKPOINT").execute(&self.superuser).await?;
        Ok(())
    }
}

/// A tenant with a site, a visitor on it and so many conversations, each with a log of so many messages, a second apart from
/// `since` on.
pub(crate) async fn fill(
    storage: &dyn Storage,
    conversations: usize,
    messages: u64,
    since: Timestamp,
) -> Result<Vec<Place>> {
    let tenant: TenantId = new_id();
    let record =
        TenantRecord { id: tenant, region: "eu".into(), state: TenantState::Active, created_at: since };
    storage.registry().insert(&record).await?;
    let site = Site {
        id: new_id(),
        name: text("Shop"),
        title: text("Talk to us"),
        greeting: text("Hello!"),
        color: Color::parse("#0b6e4f").context("a colour")?,
        origins: vec![Origin::parse("https://www.example.org").context("an origin")?],
        created_at: since,
    };
    let site_id = site.id;
    let import = storage.transfer().context("the storage takes records")?;
    import.import(tenant, &[Record::Site(site)]).await?;
    let mut places = Vec::with_capacity(conversations);
    for _ in 0..conversations {
        let visitor = Visitor { id: new_id(), site: site_id, name: None, email: None, created_at: since };
        places.push(Place { tenant, site: site_id, visitor: visitor.id, conversation: new_id() });
        import.import(tenant, &[Record::Visitor(visitor)]).await?;
    }
    talk(storage, &places, messages, since).await?;
    Ok(places)
}

/// Fills the logs of new conversations at these places.
pub(crate) async fn talk(
    storage: &dyn Storage,
    places: &[Place],
    messages: u64,
    since: Timestamp,
) -> Result<()> {
    let Some(first) = places.first() else { return Ok(()) };
    let import = storage.transfer().context("the storage takes records")?;
    let conversations: Vec<_> = places.iter().map(|place| conversation(place, messages, since)).collect();
    for page in conversations.chunks(PAGE) {
        import.import(first.tenant, page).await?;
    }
    let events = places.iter().flat_map(|place| (1..=messages).map(move |seq| event(place, seq, since)));
    let mut page = Vec::with_capacity(PAGE);
    for event in events {
        page.push(event);
        if page.len() == PAGE {
            import.import(first.tenant, &page).await?;
            page.clear();
        }
    }
    Ok(import.import(first.tenant, &page).await?)
}

fn conversation(place: &Place, messages: u64, since: Timestamp) -> Record {
    let last = at(since, messages);
    let conversation = Conversation {
        id: place.conversation,
        site: place.site,
        visitor: place.visitor,
        subject: None,
        status: Status::Open,
        snoozed_until: None,
        assignee: None,
        tags: Vec::new(),
        created_at: since,
        updated_at: PerAudience { staff: last, visitor: last },
        heads: Heads { staff: messages, visitor: messages },
        floor: Heads::default(),
        epoch: 1,
        version: 1,
    };
    Record::Conversation { conversation, client_id: new_id(), digest: None, with_message: false }
}

fn event(place: &Place, seq: u64, since: Timestamp) -> Record {
    let message = Message {
        id: new_id::<MessageId>(),
        client_id: new_id::<ClientId>(),
        kind: MessageKind::Message,
        // Every hundredth message holds a word that the others do not.
        text: Some(text(&if seq.is_multiple_of(100) { format!("{TEXT} pannier") } else { TEXT.to_owned() })),
    };
    let event = Event {
        conversation: place.conversation,
        position: Position { staff: seq, visitor: Some(seq) },
        epoch: 1,
        at: at(since, seq),
        by: Author::Visitor(place.visitor),
        kind: EventKind::Message(message),
    };
    Record::Event { event, digest: Some(BodyDigest::from([7; 32])) }
}

fn at(since: Timestamp, seq: u64) -> Timestamp {
    since.plus(std::time::Duration::from_secs(seq))
}

/// Says something at a place, as its visitor.
pub(crate) async fn say(storage: &dyn Storage, place: &Place, now: Timestamp) -> Result<()> {
    let message = NewMessage {
        id: new_id(),
        client_id: new_id(),
        digest: BodyDigest::from([7; 32]),
        kind: MessageKind::Message,
        text: text(TEXT),
    };
    let author = Author::Visitor(place.visitor);
    let append = Append { conversation: place.conversation, author, message, reopen: false };
    storage.events().append(place.tenant, &append, &Change::new(author, now)).await?;
    Ok(())
}

fn text(text: &str) -> Text {
    Text::from_stored(text.to_owned())
}

//! Every bound, in one place.

use std::time::Duration;

/// Every bound of a deployment, with its unit and what happens when it is met. Start from `Limits::default()` and set
/// what should differ.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Characters of a message or note; beyond it `invalid_request`. 8,000.
    pub text_chars_max: usize,
    /// Characters of a conversation's subject; beyond it `invalid_request`. 200.
    pub subject_chars_max: usize,
    /// Characters of a name; beyond it `invalid_request`. 100.
    pub name_chars_max: usize,
    /// Characters of a tag; beyond it `invalid_request`. 50.
    pub tag_chars_max: usize,
    /// Tags of a conversation; beyond it `invalid_request`. 20.
    pub tags_max: usize,
    /// Characters of a page's title; beyond it `invalid_request`. 200.
    pub title_chars_max: usize,
    /// Characters of a page's address; beyond it `invalid_request`. 2,048.
    pub url_chars_max: usize,
    /// How far ahead a conversation may be snoozed; beyond it `invalid_request`. 366 days.
    pub snooze_max: Duration,

    /// Entries of a page of a list where the request names no number. 50.
    pub page_default: usize,
    /// Entries of a page of a list; a request for more is `invalid_request`. 200.
    pub page_max: usize,

    /// Characters of what is searched for; beyond it `invalid_request`. 200.
    pub search_chars_max: usize,
    /// Messages that are made searchable in one transaction, whatever their length. 100.
    pub search_batch_max: usize,
    /// Messages that are made searchable before one search is answered, and in one round of the background work; if there are
    /// more, the answer says that it is not complete. 5,000.
    pub search_indexed_max: usize,

    /// Bytes of a request's body; beyond it `payload_too_large`. 64 KiB.
    pub body_bytes_max: usize,
    /// Bytes of a WebSocket frame from a client; beyond it the socket is closed with 1009. 64 KiB.
    pub frame_bytes_max: usize,
    /// How long a request's body may take; beyond it 408 and the connection ends. 30 s.
    pub body_timeout: Duration,

    /// Frames in the queue of a connection; beyond it the connection is closed as a slow reader (4002). 1,024.
    pub queue_frames_max: usize,
    /// Bytes in the queue of a connection; beyond it the connection is closed as a slow reader (4002). What has been taken out to
    /// be written is beside it: by a WebSocket 16 KiB and the rest of a frame at most. 1 MiB.
    pub queue_bytes_max: usize,
    /// Droppable frames in the queue of a connection; beyond it the oldest one goes. 64.
    pub queue_droppable_max: usize,

    /// Conversations to which a connection may subscribe; beyond it `rate_limited`. 200.
    pub subscriptions_max: usize,
    /// Conversations in one `hello.resume`; beyond it `invalid_request`. 100.
    pub resume_conversations_max: usize,
    /// Events replayed for one resumed conversation; if more are missing the client gets `reset`. 1,000.
    pub resume_events_max: u64,
    /// Conversations of a visitor; beyond it `rate_limited`. 100.
    pub visitor_conversations_max: usize,
    /// Connections of a principal on a node; the next one is closed with 4104. 20.
    pub connections_per_principal_max: usize,
    /// Connections of a tenant on a node, of which visitors leave a tenth to staff; the next one is told to come back
    /// later (4001). 20,000.
    pub connections_per_tenant_max: usize,
    /// WebSockets of an address (of an IPv6 network of 2^64 addresses); beyond it 429. 1,000.
    pub connections_per_address_max: usize,
    /// Connections of an address that have not said `hello` yet; beyond it 429. 50.
    pub connections_pending_per_address_max: usize,

    /// How long a connection may take to say `hello`; then it is closed with 4102. 10 s.
    pub hello_timeout: Duration,
    /// How often a connection gets a ping and a `heartbeat`. 25 s.
    pub heartbeat: Duration,
    /// How long after a ping nothing may come; then the connection is closed with 4003. 10 s.
    pub pong_timeout: Duration,
    /// How long a write to a connection may be stuck, and how long all that is left to write to one that ends may take; then
    /// the connection is cut. 10 s.
    pub write_timeout: Duration,
    /// How long it may take to tell a client that it may hear nothing more; then the connection is cut. What waits for it is
    /// dropped at once. 500 ms.
    pub withdrawn_timeout: Duration,
    /// How long a drain may take; then what is left is cut. 25 s.
    pub drain_timeout: Duration,
    /// How long a node may go without having confirmed a tenant's control log; then it closes that tenant's sockets with
    /// 4004. 5 s.
    pub control_lag_max: Duration,

    /// How long a call of the storage may take that others wait for; then it is `unavailable`, and what it did is found
    /// out later. 10 s.
    pub storage_timeout: Duration,

    /// How long the storage may take to say that it is there, while it answers nobody else either; then the node is not
    /// ready (503). 1 s.
    pub readiness_timeout: Duration,

    /// Requests and frames of principals that a node carries out at once; beyond it `unavailable`, and of requests that come
    /// then not even the credential is looked up. 1,024.
    pub work_max: usize,
    /// Those of them that are one tenant's; beyond it `unavailable`, so that a slow one leaves room for the others. 256.
    pub work_per_tenant_max: usize,
    /// What a node does at once for requests of those who are not authenticated, or not yet: looking up a credential or a
    /// site, registering, signing in; beyond it `unavailable`. It comes beside `work_max`. 512.
    pub work_of_strangers_max: usize,
    /// That of them who name one tenant, truly or not; beyond it `unavailable`, so that a slow one leaves room for the
    /// others, and strangers take nothing from the tenant's own. 128.
    pub work_of_strangers_per_tenant_max: usize,
    /// Reads for clients that arrive or resume, at once, and as many to find out who they are; more wait their turn, for as long
    /// as a call of the storage may take; then the client is sent away to come back. 64.
    pub arrival_reads_max: usize,
    /// Those of them that are one tenant's; more wait, so that a storm of one leaves room for the others. 16.
    pub arrival_reads_per_tenant_max: usize,
    /// Reads for clients that arrive or resume, those included that wait, and as many to find out who they are; beyond it the
    /// client is sent away at once, to come back after a pause. 20,000.
    pub arrivals_waiting_max: usize,
    /// Those of them that are one tenant's; beyond it the same. 5,000.
    pub arrivals_waiting_per_tenant_max: usize,

    /// Connections that a principal opens; beyond it `rate_limited`.
    pub connections: Rate,
    /// Requests and frames of a principal; beyond it `rate_limited`.
    pub requests: Rate,
    /// Messages and notes of a principal; beyond it `rate_limited`.
    pub messages: Rate,
    /// Requests and frames of all of a tenant's principals; beyond it `rate_limited`.
    pub requests_per_tenant: Rate,
    /// Messages and notes of all of a tenant's principals; beyond it `rate_limited`.
    pub messages_per_tenant: Rate,
    /// New visitors of an address on a site; beyond it `rate_limited`.
    pub registrations: Rate,
    /// Sign-ins for one account from one address; beyond it `rate_limited`. It fills up again, so that nobody is locked out
    /// for good.
    pub sign_ins: Rate,
    /// Sign-ins for one account from anywhere; beyond it `rate_limited`. It is looser, so that a stranger who guesses does
    /// not lock out whose account it is.
    pub sign_ins_per_account: Rate,
    /// Sign-ins from one address, behind which a whole office may be; beyond it `rate_limited`.
    pub sign_ins_per_address: Rate,
    /// Keys for which each rate is remembered; beyond it those are forgotten that have not been used for longest. 100,000.
    pub rate_keys_max: usize,

    /// Characters of a new password, at least; below it `invalid_request`. 8.
    pub password_chars_min: usize,
    /// Characters of a password, at most; beyond it `invalid_request`. 128.
    pub password_chars_max: usize,
    /// Password hashes that are worked on at once, about 19 MiB and one core each; more wait. 2.
    pub password_hashes_parallel_max: usize,
    /// Password hashes that may wait; beyond it `unavailable`. 64.
    pub password_hashes_waiting_max: usize,
    /// Password hashes of one tenant that are worked on or wait; beyond it `unavailable`. 16, a quarter of all.
    pub password_hashes_per_tenant_max: usize,
    /// How long an operator's session lasts. 12 h.
    pub session_lifetime: Duration,

    /// Tenants whose profile a node remembers; beyond it one is forgotten and read again. 10,000.
    pub tenants_cached_max: usize,
    /// Conversations of a tenant that are woken in one round. 100.
    pub background_batch_max: usize,
    /// How long a notification is held for its delivery; then it is tried again. 60 s.
    pub notification_lease: Duration,
    /// How long the notifier may take for one notification; then it is tried again. 5 s.
    pub notification_timeout: Duration,
    /// Notifications of a tenant that are delivered in one round, one after the other within their lease. 10.
    pub notifications_claimed_max: usize,
    /// Conversations that a node rereads at once, after a hint or an outcome that nobody knows; more wait. 16.
    pub rereads_max: usize,
    /// Those of them that are one tenant's; more wait, so that a slow one leaves room for the others. 4.
    pub rereads_per_tenant_max: usize,
    /// Control logs that a node reads at once; more wait. 32.
    pub control_reads_max: usize,
    /// Tenants of which one read finds out whether their control logs have grown; if it fails, the logs are read one by
    /// one. 1,000.
    pub control_heads_max: usize,
    /// Typing, read and page signals of other nodes that are told on at once; beyond it they are dropped. 64.
    pub signals_told_max: usize,
    /// Signals that wait for the broker; beyond it they are dropped, and the other nodes reread. Also those that have come from
    /// it and wait for this node's listeners, in each of eight queues; beyond it their conversations are reread. 10,000.
    pub signals_waiting_max: usize,
    /// Bytes of new events in such a queue; beyond it the events are not told but read from the storage. 4 MiB.
    pub signals_waiting_bytes_max: usize,
    /// Bytes of new events that other nodes are told with a hint, if the broker may carry them; beyond it they read them from the
    /// storage. 64 KiB.
    pub told_bytes_max: usize,
    /// How long another node's word that somebody is online holds. 90 s.
    pub presence_lease: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: usize = 1024;
        let (hour, day) = (3600, 86_400);
        Self {
            text_chars_max: 8_000,
            subject_chars_max: 200,
            name_chars_max: 100,
            tag_chars_max: 50,
            tags_max: 20,
            title_chars_max: 200,
            url_chars_max: 2_048,
            snooze_max: Duration::from_secs(366 * day),
            page_default: 50,
            page_max: 200,
            search_chars_max: 200,
            search_batch_max: 100,
            search_indexed_max: 5_000,
            body_bytes_max: 64 * KIB,
            frame_bytes_max: 64 * KIB,
            body_timeout: Duration::from_secs(30),
            queue_frames_max: 1_024,
            queue_bytes_max: 1_024 * KIB,
            queue_droppable_max: 64,
            subscriptions_max: 200,
            resume_conversations_max: 100,
            resume_events_max: 1_000,
            visitor_conversations_max: 100,
            connections_per_principal_max: 20,
            connections_per_tenant_max: 20_000,
            connections_per_address_max: 1_000,
            connections_pending_per_address_max: 50,
            hello_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(25),
            pong_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            withdrawn_timeout: Duration::from_millis(500),
            drain_timeout: Duration::from_secs(25),
            control_lag_max: Duration::from_secs(5),
            storage_timeout: Duration::from_secs(10),
            readiness_timeout: Duration::from_secs(1),
            work_max: 1_024,
            work_per_tenant_max: 256,
            work_of_strangers_max: 512,
            work_of_strangers_per_tenant_max: 128,
            arrival_reads_max: 64,
            arrival_reads_per_tenant_max: 16,
            arrivals_waiting_max: 20_000,
            arrivals_waiting_per_tenant_max: 5_000,
            connections: Rate::per_minute(120, 60),
            requests: Rate::per_minute(1_200, 200),
            messages: Rate::per_minute(120, 40),
            requests_per_tenant: Rate::per_minute(60_000, 10_000),
            messages_per_tenant: Rate::per_minute(6_000, 2_000),
            registrations: Rate::per_minute(30, 30),
            sign_ins: Rate::per_minute(6, 10),
            sign_ins_per_account: Rate::per_minute(60, 100),
            sign_ins_per_address: Rate::per_minute(60, 60),
            rate_keys_max: 100_000,
            password_chars_min: 8,
            password_chars_max: 128,
            password_hashes_parallel_max: 2,
            password_hashes_waiting_max: 64,
            password_hashes_per_tenant_max: 16,
            session_lifetime: Duration::from_secs(12 * hour),
            tenants_cached_max: 10_000,
            background_batch_max: 100,
            notification_lease: Duration::from_secs(60),
            notification_timeout: Duration::from_secs(5),
            notifications_claimed_max: 10,
            rereads_max: 16,
            rereads_per_tenant_max: 4,
            control_reads_max: 32,
            control_heads_max: 1_000,
            signals_told_max: 64,
            signals_waiting_max: 10_000,
            signals_waiting_bytes_max: 4_096 * KIB,
            told_bytes_max: 64 * KIB,
            presence_lease: Duration::from_secs(90),
        }
    }
}

/// How often something may happen: `burst` times at once, and over time so many times a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    per_minute: u32,
    burst: u32,
}

impl Rate {
    /// As often as it likes.
    pub const UNLIMITED: Self = Self { per_minute: Self::PER_MINUTE_MAX, burst: u32::MAX };

    /// Time is counted in microseconds.
    const PER_MINUTE_MAX: u32 = 60_000_000;

    /// `burst` times at once, and over time `per_minute`; zero counts as one, and more than 60,000,000 a minute as that.
    #[must_use]
    pub const fn per_minute(per_minute: u32, burst: u32) -> Self {
        let per_minute = match per_minute {
            0 => 1,
            Self::PER_MINUTE_MAX.. => Self::PER_MINUTE_MAX,
            _ => per_minute,
        };
        let burst = if burst == 0 { 1 } else { burst };
        Self { per_minute, burst }
    }

    /// How often it may happen at once.
    #[must_use]
    pub const fn burst(self) -> u32 {
        self.burst
    }

    /// After how long it may happen once more.
    pub(crate) fn step_micros(self) -> i64 {
        i64::from(Self::PER_MINUTE_MAX / self.per_minute)
    }
}

/// What is kept of the page on which a visitor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PageDetail {
    /// Nothing.
    Nothing,
    /// Its address without query and fragment, and its title.
    #[default]
    Path,
    /// Its whole address, as far as the client sends it; the widget that comes with Convor leaves query and fragment in
    /// the browser. Queries often hold personal data: have a purpose and a lawful basis.
    Full,
}

//! Many messages of many tenants, made by the server itself in a few statements: a tenth of them the first tenant's.

use std::sync::Arc;

use convor::domain::Email;
use convor::ids::TenantId;
use convor::ports::Storage;
use convor_tests::database::OWNER;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::schema::{run, tables};
use crate::tenant::Tenant;

/// What stands in every message, beside its number.
const WORD: &str = "word";

/// How much there is. Of the work that is known, little is due.
pub(super) struct Bulk {
    pub(super) tenants: u64,
    conversations: u64,
    messages_each: u64,
}

/// An id by what it is of and its number.
const ID: &str = "CREATE FUNCTION pg_temp.id(kind bigint, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS \
                  $$ SELECT (lpad(to_hex(kind), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid $$";

/// Each conversation with its number `n`, how many messages it has, `m`, its tenant's number `k` and its tenant's id `t`. One in
/// a hundred, the first tenant's first among them, is a long one.
const EACH: &str = "CREATE TEMPORARY TABLE each_conversation AS \
                    SELECT n, CASE WHEN n % 100 = 1 THEN 500 ELSE {each} END AS m, k, pg_temp.id(0, k) AS t FROM ( \
                    SELECT n, 1 + floor({tenants} * power(n / {conversations}::float8, 3))::bigint AS k \
                    FROM generate_series(0, {conversations} - 1) n) x";

/// A row or more for each tenant or conversation in every table.
const TABLES: &[&str] = &[
    "tenants (tenant_id, region, state, created_at, control_head)
     SELECT pg_temp.id(0, k), 'eu', 0, 1, 200 FROM generate_series(1, {tenants}) k",
    "profiles (tenant_id, name, digest_key)
     SELECT pg_temp.id(0, k), 'x', sha256('x') FROM generate_series(1, {tenants}) k",
    "sites (tenant_id, id, name, title, greeting, color, origins, created_at)
     SELECT pg_temp.id(0, k), pg_temp.id(1, k * 100 + i), 'x', 'x', 'x', '#000000', '{}', 1
     FROM generate_series(1, {tenants}) k, generate_series(0, 19) i",
    "operators (tenant_id, id, name, email, role, created_at)
     SELECT pg_temp.id(0, k), pg_temp.id(2, k * 100 + i), 'x', i || '@example.org', 2, 1
     FROM generate_series(1, {tenants}) k, generate_series(0, 19) i",
    "passwords (tenant_id, operator_id, hash) SELECT o.tenant_id, o.id, 'x' FROM convor.operators o",
    "sessions (tenant_id, id, operator_id, token_hash, expires_at)
     SELECT o.tenant_id, pg_temp.id(3, row_number() OVER ()), o.id, sha256(o.id::text::bytea || n::text::bytea), 253402128000000
     FROM convor.operators o, generate_series(1, 5) n",
    "visitors (tenant_id, id, site_id, created_at)
     SELECT t, pg_temp.id(4, n), pg_temp.id(1, k * 100), 1 FROM each_conversation",
    "visitor_tokens (tenant_id, visitor_id, token_hash)
     SELECT t, pg_temp.id(4, n), sha256(n::text::bytea) FROM each_conversation",
    "pages (tenant_id, visitor_id, url, at) SELECT t, pg_temp.id(4, n), 'x', 1 FROM each_conversation",
    "conversations (tenant_id, id, site_id, visitor_id, client_id, digest, with_message, status, snoozed_until, assignee,
     tags, created_at, updated_staff, updated_visitor, head_staff, head_visitor, epoch, last_message,
     last_visible_message, by_visitor, indexed_staff)
     SELECT t, pg_temp.id(5, n), pg_temp.id(1, k * 100), pg_temp.id(4, n), pg_temp.id(6, n), sha256('x'), true,
     CASE WHEN n % 20 = 0 THEN 1 ELSE n % 3 % 2 * 2 END, CASE WHEN n % 20 = 0 THEN 9000000000000 + n END,
     CASE WHEN n % 2 = 0 THEN pg_temp.id(2, k * 100 + n % 20) END, CASE WHEN n % 5 = 0 THEN ARRAY['word'] ELSE '{}' END,
     n, n, n, m, m, 1, m, m, m, CASE WHEN n % 100 = 0 THEN m - 1 ELSE m END FROM each_conversation",
    "conversation_tags (tenant_id, conversation_id, tag, updated_staff)
     SELECT c.tenant_id, c.id, 'word', c.updated_staff FROM convor.conversations c WHERE cardinality(c.tags) > 0",
    "events (tenant_id, conversation_id, staff_seq, visitor_seq, epoch, at, by_kind, by_id, kind, message_id, client_id,
     digest, note, text, visitor_head, by_visitor, to_visitor)
     SELECT t, pg_temp.id(5, n), s, s, 1, n * 10000 + s, 0, pg_temp.id(4, n), 0, pg_temp.id(7, n * 10000 + s),
     pg_temp.id(8, n * 10000 + s), sha256('x'), false, 'word ' || n, s, s, 0
     FROM each_conversation, generate_series(1, m) s",
    "unindexed (tenant_id, conversation_id) SELECT t, pg_temp.id(5, n) FROM each_conversation WHERE n % 100 = 0",
    "log_starts (tenant_id, conversation_id, at) SELECT t, pg_temp.id(5, n), n * 10000 + 1 FROM each_conversation",
    "reads (tenant_id, conversation_id, reader_id, reader_kind, staff_seq, visitor_seq, seen)
     SELECT t, pg_temp.id(5, n), pg_temp.id(2, k * 100 + i), 1, 1, 1, 1 FROM each_conversation, generate_series(0, 1) i",
    "words (tenant_id, word, at, conversation_id, staff_seq)
     SELECT e.tenant_id, w.word, e.at, e.conversation_id, e.staff_seq
     FROM convor.events e, LATERAL unnest(string_to_array(e.text, ' ')) AS w (word)",
    "uploads (tenant_id, id, conversation_id, by_kind, by_id, name, media_type, blob, created_at, bytes, sha256)
     SELECT t, pg_temp.id(9, n * 10 + i), pg_temp.id(5, n), 0, pg_temp.id(4, n), 'x', 'image/png',
     pg_temp.id(10, n * 10 + i), n, CASE WHEN n % 100 > 0 THEN 1 END, CASE WHEN n % 100 > 0 THEN sha256('x') END
     FROM each_conversation, generate_series(0, 1) i",
    "removable_blobs (tenant_id, blob) SELECT t, pg_temp.id(11, n) FROM each_conversation",
    "notifications (tenant_id, id, kind, conversation_id, held_until)
     SELECT t, pg_temp.id(12, n), 0, pg_temp.id(5, n), CASE WHEN n % 500 > 0 THEN 9000000000000 END FROM each_conversation",
    "due_work (tenant_id, id, due_at)
     SELECT t, pg_temp.id(12, n), CASE WHEN n % 500 > 0 THEN 9000000000000 ELSE 0 END FROM each_conversation",
    "due_work (tenant_id, id, due_at)
     SELECT c.tenant_id, c.id, c.snoozed_until FROM convor.conversations c WHERE c.snoozed_until IS NOT NULL",
    "control_events (tenant_id, position, kind, session_id)
     SELECT pg_temp.id(0, k), p, 0, pg_temp.id(13, p) FROM generate_series(1, {tenants}) k, generate_series(1, 200) p",
    "audit (tenant_id, id, by_kind, by_id, at, action, target)
     SELECT t, pg_temp.id(14, n * 10 + i), 2, pg_temp.id(0, 0), n, 'conversation.updated', pg_temp.id(5, n)
     FROM each_conversation, generate_series(0, 1) i",
];

impl Bulk {
    /// A million messages.
    pub(super) const LARGE: Self = Self { tenants: 1_000, conversations: 50_000, messages_each: 20 };

    /// As few as give every larger table its indexes.
    pub(super) const SMALL: Self = Self { tenants: 100, conversations: 12_000, messages_each: 5 };

    /// Fills every table. References are not looked at: that is all that a superuser's session may pass over.
    pub(super) async fn fill(&self, superuser: &mut PgConnection) {
        let filled = |sql: &str| {
            sql.replace("{tenants}", &self.tenants.to_string())
                .replace("{conversations}", &self.conversations.to_string())
                .replace("{each}", &self.messages_each.to_string())
        };
        run(superuser, "SET session_replication_role = 'replica'; SET synchronous_commit = off").await;
        run(superuser, ID).await;
        run(superuser, &filled(EACH)).await;
        for table in TABLES {
            run(superuser, &filled(&format!("INSERT INTO convor.{table}"))).await;
        }
        run(superuser, "RESET session_replication_role").await;
        for table in tables(superuser).await {
            let rows = format!("SELECT count(*) FROM convor.{table}");
            assert!(
                crate::schema::count(superuser, &rows).await > 0,
                "{table} is filled, which {OWNER} has made"
            );
            run(superuser, &format!("VACUUM ANALYZE convor.{table}")).await;
        }
    }

    /// The tenant with this number, from 1, by the ids of its first conversation.
    pub(super) fn tenant(&self, storage: Arc<dyn Storage>, number: u64) -> Tenant {
        // The first conversation of which `1 + floor(tenants * (n / conversations)³)` is the number, and one more for rounding.
        let share = (number - 1) as f64 / self.tenants as f64;
        let first = (share.cbrt() * self.conversations as f64).ceil() as u64 + 1;
        let mut tenant = Tenant::new(storage, TenantId::from(id(0, number)), WORD);
        tenant.site = id(1, number * 100).into();
        tenant.operator = id(2, number * 100 + first % 20).into();
        tenant.email = Email::parse(&format!("{}@example.org", first % 20)).expect("an address");
        tenant.visitor = id(4, first).into();
        tenant.conversation = id(5, first).into();
        tenant.upload = id(9, first * 10).into();
        tenant
    }
}

fn id(kind: u128, number: u64) -> Uuid {
    Uuid::from_u128((kind << 96) | (7 << 76) | (8 << 60) | u128::from(number))
}

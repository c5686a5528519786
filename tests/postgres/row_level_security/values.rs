//! What functions are called with: what is there under a parameter's name, and what leads into other branches.

use sqlx::PgConnection;

use crate::schema::{tables, texts};
use crate::tenant::Tenant;

/// Milliseconds after everything that is stored.
const LATER: &str = "9000000000000";

/// An id that nothing has, above all that are there.
const FRESH: &str = "'fffffffe-0000-7000-8000-000000000000'";

/// The values of a tenant.
pub(super) struct Values<'t> {
    tenant: &'t Tenant,
    notification: String,
    blob: String,
    version: String,
    /// The tenant's rows of every table, as a copy of them would have them.
    records: String,
}

impl<'t> Values<'t> {
    /// Looks up what the tenant itself does not know.
    pub(super) async fn of(tenant: &'t Tenant, connection: &mut PgConnection) -> Self {
        let id = tenant.id;
        let mut records = Vec::new();
        for table in tables(connection).await {
            records.push(format!("'{table}', (SELECT jsonb_agg(t) FROM convor.{table} t WHERE to_jsonb(t) ->> 'tenant_id' = '{id}')"));
        }
        let mut first = async |sql: String| texts(connection, &sql).await.remove(0);
        Self {
            tenant,
            notification: first(format!(
                "SELECT min(id::text) FROM convor.notifications WHERE tenant_id = '{id}'"
            ))
            .await,
            blob: first(format!(
                "SELECT min(blob::text) FROM convor.removable_blobs WHERE tenant_id = '{id}'"
            ))
            .await,
            version: first(format!(
                "SELECT version::text FROM convor.conversations WHERE tenant_id = '{id}' AND id = '{}'",
                tenant.conversation
            ))
            .await,
            records: first(format!("SELECT jsonb_build_object({})::text", records.join(", "))).await,
        }
    }

    /// The value of a parameter: what is there under its name.
    pub(super) fn usual(&self, function: &str, name: &str, kind: &str) -> String {
        let t = self.tenant;
        if let Some(element) = kind.strip_suffix("[]") {
            return match name {
                "p_statuses" => "ARRAY[0, 1, 2]".to_owned(),
                "p_ids" if function.starts_with("conversations") => {
                    format!("ARRAY['{}', '{}']", t.conversation, t.snoozed)
                }
                "p_tenants" => format!("ARRAY['{}']", t.id),
                "p_notes" | "p_reopens" => "ARRAY[false]".to_owned(),
                "p_word_seqs" | "p_up_to" => "ARRAY[2]".to_owned(),
                "p_words" | "p_texts" | "p_tags" => "ARRAY['canary']".to_owned(),
                "p_digests" => format!("ARRAY[{}]", bytes(9)),
                "p_actors" | "p_bys" => format!("ARRAY['{}']", t.visitor),
                "p_conversations" | "p_word_conversations" => format!("ARRAY['{}']", t.conversation),
                "p_ids" => format!("ARRAY[{}]", self.usual(function, "p_id", element)),
                _ if element == "uuid" => format!("ARRAY[{FRESH}]"),
                _ => "ARRAY[0]".to_owned(),
            };
        }
        match (name, kind) {
            ("p_tenant", _) => quoted(t.id),
            ("p_change", _) => change(t),
            ("p_id", _) => match function.split('_').next() {
                Some("sites") => quoted(t.site),
                Some("operators") => quoted(t.operator),
                Some("visitors") => quoted(t.visitor),
                Some("conversations") if function != "conversations_open" => quoted(t.conversation),
                Some("accounts") => quoted(t.session),
                Some("uploads") => quoted(t.upload),
                Some("outbox") => quoted(&self.notification),
                Some("registry") => quoted(t.id),
                _ => FRESH.to_owned(),
            },
            ("p_site", _) => quoted(t.site),
            ("p_visitor" | "p_by", "uuid") => quoted(t.visitor),
            ("p_operator" | "p_reader", _) => quoted(t.operator),
            ("p_conversation", _) if function == "search_find" => FRESH.to_owned(),
            ("p_conversation", _) if function.starts_with("transfer") => quoted(uuid::Uuid::nil()),
            ("p_conversation", _) => quoted(t.conversation),
            ("p_assignee" | "p_tag", _) if function == "conversations_page_inbox" => "NULL".to_owned(),
            ("p_assignee", _) => "NULL".to_owned(),
            ("p_after", "uuid") => quoted(uuid::Uuid::nil()),
            ("p_blob", _) if function == "uploads_removed" => quoted(&self.blob),
            ("p_token_hash", _) if function.starts_with("accounts_find") => token(t.session_token.bytes()),
            ("p_token_hash", _) if function.starts_with("visitors_find") => token(t.token.bytes()),
            ("p_email", _) => quoted(t.email.as_str()),
            ("p_hash" | "p_expected" | "p_verified" | "p_new", _) => quoted(t.hash.as_str()),
            ("p_version", _) => self.version.clone(),
            ("p_reader_kind", _) => "1".to_owned(),
            ("p_status", _) => "2".to_owned(),
            ("p_snoozed_until", _) => "NULL".to_owned(),
            ("p_set_name" | "p_set_email" | "p_set_tags" | "p_set_assignee" | "p_reopen", _) => {
                "true".to_owned()
            }
            ("p_limit" | "p_conversations_max", _) => "50".to_owned(),
            ("p_after", "bigint") => "0".to_owned(),
            ("p_seq", _) if function.starts_with("events") || function.starts_with("transfer") => {
                "1".to_owned()
            }
            ("p_records", _) => quoted(&self.records),
            ("p_conversations" | "p_events" | "p_reads", "jsonb") => self.part(name),
            (_, "uuid") => FRESH.to_owned(),
            (_, "bytea") => bytes(9),
            (_, "bigint") => LATER.to_owned(),
            (_, "smallint") => "0".to_owned(),
            (_, "boolean") => "false".to_owned(),
            _ => "'x'".to_owned(),
        }
    }

    /// Other values of a parameter, each of which leads elsewhere.
    pub(super) fn others(&self, function: &str, name: &str, kind: &str) -> Vec<String> {
        let t = self.tenant;
        match (name, kind) {
            ("p_id", _) if function.starts_with("conversations") => vec![quoted(t.snoozed)],
            ("p_id" | "p_site" | "p_operator", "uuid") => vec![FRESH.to_owned()],
            ("p_conversation", "uuid") => vec![quoted(t.snoozed), FRESH.to_owned()],
            ("p_after", "uuid") => vec!["NULL".to_owned(), quoted(t.site)],
            ("p_assignee", _) => vec![quoted(t.operator)],
            ("p_tag", _) => vec![quoted(&t.says)],
            ("p_nobody" | "p_note" | "p_visitor", "boolean") => vec!["true".to_owned()],
            ("p_by_kind" | "p_reader_kind", _) => vec!["0".to_owned(), "1".to_owned()],
            ("p_window", _) => vec!["1".to_owned(), "2".to_owned()],
            ("p_status", _) => vec!["0".to_owned(), "NULL".to_owned()],
            ("p_limit", _) => vec!["1".to_owned(), "2".to_owned()],
            ("p_message", _) => vec!["NULL".to_owned()],
            ("p_now" | "p_before" | "p_stale", _) => vec!["0".to_owned()],
            ("p_email", _) => vec!["'eve@example.org'".to_owned()],
            ("p_new" | "p_verified", _) => vec!["'another'".to_owned()],
            ("p_words", _) => vec!["ARRAY['canary', 'of']".to_owned(), "ARRAY['second']".to_owned()],
            ("p_records", _) => vec![quoted(renamed(&self.records))],
            ("p_conversations" | "p_events" | "p_reads", "jsonb") => vec![renamed(&self.part(name))],
            _ => Vec::new(),
        }
    }

    fn part(&self, name: &str) -> String {
        format!("{}::jsonb -> '{}'", quoted(&self.records), name.trim_start_matches("p_"))
    }
}

/// The same records under other ids, addresses and hashes.
fn renamed(records: &str) -> String {
    records
        .replace("-7000-8000-000000000000", "-7000-8000-00000000000f")
        .replace("\\\\x00000000", "\\\\x0000000f")
        .replace("ann@", "eve@")
}

fn change(t: &Tenant) -> String {
    let at = "1800000000000";
    format!(
        "ROW(1, '{0}', {at}, {FRESH}, 'conversation.updated', {FRESH}, ARRAY[{FRESH}]::uuid[], ARRAY[0]::smallint[], \
         ARRAY['{1}']::uuid[], ARRAY[0]::smallint[], ARRAY[{FRESH}]::uuid[])",
        t.operator, t.conversation
    )
}

fn quoted(value: impl ToString) -> String {
    format!("'{}'", value.to_string().replace('\'', "''"))
}

fn bytes(byte: u8) -> String {
    token(&[byte; 32])
}

fn token(bytes: &[u8]) -> String {
    let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("'\\x{}'", hex.concat())
}

//! Conversations, as a reader sees them.

use convor::domain::Author;
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::ConversationView;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::columns::{Columns, author_id, author_kind, json_ids};
use super::log::{conversation, conversation_columns, event, event_columns};
use super::statement::{statement, statements};
use super::{page, visitor};
use crate::failure::Failure;

/// What both views begin with, and where they take it from.
macro_rules! view {
    ($read:literal, $other_read:literal, $unread:literal, $last_message:literal) => {
        concat!(
            "SELECT ",
            conversation_columns!(),
            ", v.visitor_id, v.site_id, v.name, v.email, v.created_at, p.url, p.title, p.at, ",
            $read,
            ", ",
            $other_read,
            ", ",
            $unread,
            ", ",
            event_columns!(),
            " FROM json_each(?2) AS asked
            CROSS JOIN conversations AS c
                ON c.tenant_id = ?1 AND c.conversation_id = unhex(asked.value)
            CROSS JOIN visitors AS v ON v.tenant_id = ?1 AND v.visitor_id = c.visitor_id
            LEFT JOIN pages AS p ON p.tenant_id = ?1 AND p.visitor_id = c.visitor_id
            LEFT JOIN reads AS r ON r.tenant_id = ?1 AND r.conversation_id = c.conversation_id
                AND r.reader_id = ?3 AND r.reader_kind = ?4
            LEFT JOIN events AS e ON e.tenant_id = ?1 AND e.conversation_id = c.conversation_id
                AND e.staff_seq = ",
            $last_message,
            " ORDER BY asked.key"
        )
    };
}

statements! {
    /// The other side is the visitor.
    FOR_STAFF = view!(
        "coalesce(r.staff_seq, 0)",
        "coalesce((SELECT o.staff_seq FROM reads AS o
            WHERE o.tenant_id = ?1 AND o.conversation_id = c.conversation_id
                AND o.reader_id = c.visitor_id AND o.reader_kind = 1), 0)",
        "(SELECT count(*) FROM (SELECT 1 FROM events AS u INDEXED BY events_of_visitor
            WHERE u.tenant_id = ?1 AND u.conversation_id = c.conversation_id
                AND u.by_kind = 1 AND u.kind <= 1 AND u.staff_seq > coalesce(r.staff_seq, 0)
            LIMIT 100))",
        "c.last_message_staff"
    );
    /// The other side is everybody else; of the operators the furthest one counts as having read.
    FOR_VISITOR = view!(
        "coalesce(r.visitor_seq, 0)",
        "coalesce((SELECT max(o.visitor_seq) FROM reads AS o
            WHERE o.tenant_id = ?1 AND o.conversation_id = c.conversation_id AND o.reader_kind = 2), 0)",
        "(SELECT count(*) FROM (SELECT 1 FROM events AS u INDEXED BY events_to_visitor
            WHERE u.tenant_id = ?1 AND u.conversation_id = c.conversation_id
                AND u.by_kind <> 1 AND u.kind = 0 AND u.visitor_seq > coalesce(r.visitor_seq, 0)
            LIMIT 100))",
        "c.last_message_visitor"
    );
}

/// Those of `conversations` that there are, in their order, as `reader` sees them.
pub(super) async fn of(
    db: &mut SqliteConnection,
    tenant: TenantId,
    conversations: &[ConversationId],
    reader: Author,
) -> Result<Vec<ConversationView>, Failure> {
    let sql = match reader {
        Author::Visitor(_) => FOR_VISITOR,
        Author::Operator(_) | Author::System => FOR_STAFF,
    };
    let views = statement(tenant, sql)
        .bind(json_ids(conversations.iter().map(|id| id.uuid())))
        .bind(author_id(reader))
        .bind(author_kind(reader));
    views.fetch_all(db).await?.iter().map(decode).collect()
}

fn decode(row: &SqliteRow) -> Result<ConversationView, Failure> {
    let mut columns = Columns::of(row);
    Ok(ConversationView {
        conversation: conversation(&mut columns)?,
        visitor: visitor::decode(&mut columns)?,
        page: page::decode(&mut columns)?,
        read: columns.number()?,
        other_read: columns.number()?,
        unread: columns.small()?,
        last_message: event(&mut columns)?,
    })
}

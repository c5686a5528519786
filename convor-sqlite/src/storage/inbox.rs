//! Which conversations stand on a page, without looking at those that do not.

use convor::domain::{Status, Text};
use convor::ids::{ConversationId, TenantId, VisitorId};
use convor::ports::storage::{AssigneeFilter, ConversationPage, ConversationScope};
use convor::time::Timestamp;
use sqlx::SqliteConnection;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};
use uuid::Uuid;

use super::columns::{Columns, limit as rows_max};
use super::log::status_number;
use super::statement::{statement, statements};
use crate::failure::Failure;

statements! {
    OF_VISITOR = "SELECT updated_visitor, conversation_id FROM conversations
        WHERE tenant_id = ?1 AND visitor_id = ?5 AND (updated_visitor, conversation_id) < (?2, ?3)
        ORDER BY updated_visitor DESC, conversation_id DESC LIMIT ?4";
    BY_STATUS = "SELECT updated_staff, conversation_id FROM conversations
        WHERE tenant_id = ?1 AND status = ?5 AND (updated_staff, conversation_id) < (?2, ?3)
        ORDER BY updated_staff DESC, conversation_id DESC LIMIT ?4";
    BY_ASSIGNEE = "SELECT updated_staff, conversation_id FROM conversations
        WHERE tenant_id = ?1 AND assignee_id IS ?6 AND status = ?5
            AND (updated_staff, conversation_id) < (?2, ?3)
        ORDER BY updated_staff DESC, conversation_id DESC LIMIT ?4";
    BY_TAG = "SELECT t.updated_staff, t.conversation_id FROM tags AS t
        WHERE t.tenant_id = ?1 AND t.tag = ?6 AND t.status = ?5
            AND (t.updated_staff, t.conversation_id) < (?2, ?3)
        ORDER BY t.updated_staff DESC, t.conversation_id DESC LIMIT ?4";
    BY_TAG_AND_ASSIGNEE = "SELECT t.updated_staff, t.conversation_id FROM tags AS t
        WHERE t.tenant_id = ?1 AND t.tag = ?6 AND t.status = ?5
            AND (t.updated_staff, t.conversation_id) < (?2, ?3)
            AND EXISTS (SELECT 1 FROM conversations AS c WHERE c.tenant_id = ?1
                AND c.conversation_id = t.conversation_id AND c.assignee_id IS ?7)
        ORDER BY t.updated_staff DESC, t.conversation_id DESC LIMIT ?4";
}

type Listed = (Timestamp, ConversationId);

/// The conversations of a page, in its order.
pub(super) async fn list(
    db: &mut SqliteConnection,
    tenant: TenantId,
    page: &ConversationPage,
) -> Result<Vec<ConversationId>, Failure> {
    let mut listed = match &page.scope {
        ConversationScope::Of(visitor) => of_visitor(db, tenant, page, *visitor).await?,
        ConversationScope::Inbox { status, assignee, tag } => {
            inbox(db, tenant, page, *status, *assignee, tag.as_ref()).await?
        }
    };
    listed.sort_unstable_by(|a, b| b.cmp(a));
    listed.truncate(page.limit);
    Ok(listed.into_iter().map(|(_, id)| id).collect())
}

async fn of_visitor(
    db: &mut SqliteConnection,
    tenant: TenantId,
    page: &ConversationPage,
    visitor: VisitorId,
) -> Result<Vec<Listed>, Failure> {
    fetch(db, below(tenant, OF_VISITOR, page).bind(visitor.uuid())).await
}

/// Each list stands in the indexes by status. Where none is asked for, the page is the beginning of the three together.
async fn inbox(
    db: &mut SqliteConnection,
    tenant: TenantId,
    page: &ConversationPage,
    status: Option<Status>,
    assignee: Option<AssigneeFilter>,
    tag: Option<&Text>,
) -> Result<Vec<Listed>, Failure> {
    let assignee = assignee.map(|filter| match filter {
        AssigneeFilter::Nobody => None,
        AssigneeFilter::Operator(operator) => Some(operator.uuid()),
    });
    let tag = tag.map(|tag| tag.as_str().to_owned());
    let all = [Status::Open, Status::Snoozed, Status::Closed];
    let mut listed = Vec::new();
    for status in all.into_iter().filter(|one| status.is_none_or(|status| status == *one)) {
        let sql = match (&tag, assignee) {
            (None, None) => BY_STATUS,
            (None, Some(_)) => BY_ASSIGNEE,
            (Some(_), None) => BY_TAG,
            (Some(_), Some(_)) => BY_TAG_AND_ASSIGNEE,
        };
        let mut query = below(tenant, sql, page).bind(status_number(status));
        if let Some(tag) = &tag {
            query = query.bind(tag.clone());
        }
        if let Some(assignee) = assignee {
            query = query.bind(assignee);
        }
        listed.extend(fetch(db, query).await?);
    }
    Ok(listed)
}

/// A list from where the page before ended.
fn below(
    tenant: TenantId,
    sql: &'static str,
    page: &ConversationPage,
) -> Query<'static, Sqlite, SqliteArguments> {
    let (at, id) = page.before.map_or((i64::MAX, Uuid::max()), |(at, id)| (at.millis(), id.uuid()));
    statement(tenant, sql).bind(at).bind(id).bind(rows_max(page.limit))
}

async fn fetch(
    db: &mut SqliteConnection,
    query: Query<'static, Sqlite, SqliteArguments>,
) -> Result<Vec<Listed>, Failure> {
    let rows = query.fetch_all(db).await?;
    let listed = rows.iter().map(|row| {
        let mut columns = Columns::of(row);
        Ok((columns.time()?, columns.id()?))
    });
    listed.collect()
}

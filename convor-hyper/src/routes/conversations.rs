//! Conversations: opened by visitors, listed and read by their members, changed by operators.

use convor::Error;
use convor::domain::Status;
use convor::ports::storage::AssigneeFilter;
use convor::protocol::{ConversationObject, ConversationRequest, OpenRequest, PostedObject};
use convor::service::{InboxFilter, Viewed};
use http::HeaderValue;
use http::header::ETAG;
use serde::Serialize;

use crate::call::Call;
use crate::problem::Refusal;
use crate::query::Query;
use crate::reply::Reply;

/// The keys of the inbox's query.
pub(super) const FILTERS: &[&str] = &["limit", "cursor", "status", "assignee", "tag"];

#[derive(Serialize)]
struct OpenedObject<'a> {
    conversation: ConversationObject<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<PostedObject>,
}

#[derive(Serialize)]
struct Shown<'a> {
    conversation: ConversationObject<'a>,
}

/// `POST /v1/conversations`
pub(super) async fn open(call: Call) -> Result<Reply, Refusal> {
    let request: OpenRequest = call.decode()?;
    let opened = call.chat().open(call.principal()?, request).await?;
    let object = OpenedObject { conversation: opened.conversation.object(), message: opened.message };
    Ok(tagged(Reply::created(&object, opened.duplicate), &opened.conversation))
}

/// `GET /v1/conversations`
pub(super) async fn list(call: Call) -> Result<Reply, Refusal> {
    let (filter, cursor) = (filter(&call.query)?, call.query.text("cursor"));
    let page = call.chat().conversations(call.principal()?, filter, cursor, call.limit()?).await?;
    Ok(Reply::ok(&page.object()))
}

/// `GET /v1/conversations/{id}`
pub(super) async fn show(call: Call) -> Result<Reply, Refusal> {
    let viewed = call.chat().conversation(call.principal()?, call.conversation()?).await?;
    Ok(shown(&viewed))
}

/// `PATCH /v1/conversations/{id}`
pub(super) async fn change(call: Call) -> Result<Reply, Refusal> {
    let version = call.version()?;
    let request: ConversationRequest = call.decode()?;
    let (principal, id) = (call.principal()?, call.conversation()?);
    let viewed = call.chat().change_conversation(principal, id, version, request).await?;
    Ok(shown(&viewed))
}

fn filter(query: &Query) -> Result<InboxFilter, Error> {
    let status = |text| match text {
        "open" => Ok(Status::Open),
        "snoozed" => Ok(Status::Snoozed),
        "closed" => Ok(Status::Closed),
        _ => Err(Error::invalid("status", "must be open, snoozed or closed")),
    };
    let assignee = |text: &str| match text {
        "none" => Ok(AssigneeFilter::Nobody),
        id => id
            .parse()
            .map(AssigneeFilter::Operator)
            .map_err(|_| Error::invalid("assignee", "must be an id or none")),
    };
    Ok(InboxFilter {
        status: query.text("status").map(status).transpose()?,
        assignee: query.text("assignee").map(assignee).transpose()?,
        tag: query.text("tag").map(str::to_owned),
    })
}

fn shown(viewed: &Viewed) -> Reply {
    tagged(Reply::ok(&Shown { conversation: viewed.object() }), viewed)
}

/// Says in which state the conversation is (RFC 9110, 8.8.3).
fn tagged(reply: Reply, viewed: &Viewed) -> Reply {
    match HeaderValue::try_from(format!("\"{}\"", viewed.tag())) {
        Ok(tag) => reply.header(ETAG, tag),
        Err(_) => reply,
    }
}

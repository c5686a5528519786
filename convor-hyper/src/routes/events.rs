//! Members page through a conversation's log.

use convor::ports::storage::Window;

use crate::call::Call;
use crate::problem::Refusal;
use crate::reply::Reply;

/// The keys of a log's query.
pub(super) const WINDOW: &[&str] = &["limit", "after", "before"];

/// `GET /v1/conversations/{id}/events`
pub(super) async fn page(call: Call) -> Result<Reply, Refusal> {
    let window = match (call.query.number("after")?, call.query.number("before")?) {
        (None, None) => Window::Latest,
        (Some(after), None) => Window::After(after),
        (None, Some(before)) => Window::Before(before),
        (Some(_), Some(_)) => return Err(Refusal::invalid("before", "does not go with after")),
    };
    let (principal, limit, id) = (call.principal()?, call.limit()?, call.conversation()?);
    let history = call.chat().history(principal, id, window, limit).await?;
    Ok(Reply::ok(&history.object()))
}

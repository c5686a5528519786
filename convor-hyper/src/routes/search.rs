//! Staff find messages by their words, which never stand in an address.

use convor::protocol::SearchRequest;

use crate::call::Call;
use crate::problem::Refusal;
use crate::reply::Reply;

/// `POST /v1/search`
pub(super) async fn find(call: Call) -> Result<Reply, Refusal> {
    let request: SearchRequest = call.decode()?;
    let found = call.chat().search(call.principal()?, request).await?;
    Ok(Reply::ok(&found.object()))
}

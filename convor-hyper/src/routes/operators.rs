//! Operators look at their colleagues.

use crate::call::Call;
use crate::problem::Refusal;
use crate::reply::Reply;

/// `GET /v1/operators`
pub(super) async fn list(call: Call) -> Result<Reply, Refusal> {
    let page = call.chat().operators(call.principal()?, call.query.text("cursor"), call.limit()?).await?;
    Ok(Reply::ok(&page.object()))
}

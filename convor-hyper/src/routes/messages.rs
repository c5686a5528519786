//! Members say something.

use convor::protocol::{MessageRequest, PostedObject};
use serde::Serialize;

use crate::call::Call;
use crate::problem::Refusal;
use crate::reply::Reply;

#[derive(Serialize)]
struct Posted {
    message: PostedObject,
}

/// `POST /v1/conversations/{id}/messages`
pub(super) async fn post(call: Call) -> Result<Reply, Refusal> {
    let request: MessageRequest = call.decode()?;
    let (principal, id) = (call.principal()?, call.conversation()?);
    let message = call.chat().post(principal, id, request).await?;
    Ok(Reply::created(&Posted { message }, message.duplicate))
}

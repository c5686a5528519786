//! What tells an orchestrator whether this node lives and may be sent requests.

use convor::Error;
use serde::Serialize;

use crate::call::Call;
use crate::problem::Refusal;
use crate::reply::Reply;

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// `GET /healthz`
pub(super) async fn alive(_: Call) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&Health { status: "ok" }))
}

/// `GET /readyz`
pub(super) async fn ready(call: Call) -> Result<Reply, Refusal> {
    if call.chat().is_ready().await {
        Ok(Reply::ok(&Health { status: "ready" }))
    } else {
        Err(Error::Unavailable.into())
    }
}

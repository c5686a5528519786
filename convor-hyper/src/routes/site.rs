//! What a widget needs before there is a visitor.

use convor::protocol::SiteObject;

use crate::call::Call;
use crate::problem::Refusal;
use crate::reply::Reply;

/// `GET /v1/site?site=KEY`
pub(super) async fn show(call: Call) -> Result<Reply, Refusal> {
    let key = call.source.site.ok_or_else(|| Refusal::invalid("site", "is needed"))?;
    let _work = call.chat().begin_for_stranger(Some(key.tenant))?;
    let site = call.chat().site(&key).await?;
    Ok(Reply::ok(&SiteObject::new(&site, call.chat().is_staffed(key.tenant))))
}

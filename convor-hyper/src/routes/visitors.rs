//! A person becomes a visitor, and says who it is.

use convor::Error;
use convor::credentials::SiteKey;
use convor::protocol::{RegisterRequest, VisitorObject, VisitorRequest};
use serde::Serialize;

use crate::call::Call;
use crate::problem::Refusal;
use crate::reply::Reply;

#[derive(Serialize)]
struct Registered<'a> {
    visitor: VisitorObject<'a>,
    token: &'a str,
}

#[derive(Serialize)]
struct Shown<'a> {
    visitor: VisitorObject<'a>,
}

/// `POST /v1/visitors`
pub(super) async fn register(call: Call) -> Result<Reply, Refusal> {
    let request: RegisterRequest = call.decode()?;
    // What is no site key names no site.
    let key = SiteKey::parse(&request.site).ok_or(Error::NotFound)?;
    call.source.for_visitors_of(call.chat(), key).await?;
    let _work = call.chat().begin_for_stranger(Some(key.tenant))?;
    let (visitor, token) = call.chat().register_visitor(&key, call.address()).await?;
    let registered = Registered { visitor: VisitorObject::new(&visitor), token: token.reveal() };
    Ok(Reply::created(&registered, false))
}

/// `GET /v1/visitor`
pub(super) async fn show(call: Call) -> Result<Reply, Refusal> {
    let visitor = call.chat().visitor(call.principal()?).await?;
    Ok(Reply::ok(&Shown { visitor: VisitorObject::new(&visitor) }))
}

/// `PATCH /v1/visitor`
pub(super) async fn update(call: Call) -> Result<Reply, Refusal> {
    let request: VisitorRequest = call.decode()?;
    let visitor = call.chat().update_contact(call.principal()?, request).await?;
    Ok(Reply::ok(&Shown { visitor: VisitorObject::new(&visitor) }))
}

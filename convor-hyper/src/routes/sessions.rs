//! Operators sign in and out.

use convor::Error;
use convor::credentials::{TenantKey, Token};
use convor::protocol::{OperatorObject, Presentation, SignInRequest};
use convor::time::Timestamp;
use http::header::SET_COOKIE;
use serde::Serialize;

use crate::call::Call;
use crate::credential::{Credential, csrf_token};
use crate::gate::no_content;
use crate::origin::Standing;
use crate::problem::Refusal;
use crate::reply::Reply;

#[derive(Serialize)]
struct SessionObject<'a> {
    operator: OperatorObject<'a>,
    expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
}

/// `POST /v1/sessions`
pub(super) async fn create(call: Call) -> Result<Reply, Refusal> {
    call.source.for_operators()?;
    let request: SignInRequest = call.decode()?;
    let cookie = request.r#as == Presentation::Cookie;
    // A page of somebody else's must not be able to sign a browser in either.
    if cookie && call.source.standing != Standing::Dashboard {
        return Err(Refusal::OriginForbidden);
    }
    let SignInRequest { tenant, email, password, .. } = &request;
    let chat = call.chat();
    let _work = chat.begin_for_stranger(TenantKey::parse(tenant).map(|key| key.tenant))?;
    let signed_in = chat.sign_in(tenant, email, password, call.address()).await?;
    let (operator, token) = (&signed_in.operator, signed_in.token.reveal());
    let online = chat.is_operator_online(signed_in.token.tenant(), operator.id);
    let session = SessionObject {
        operator: OperatorObject::new(operator, online),
        expires_at: signed_in.expires_at,
        token: (!cookie).then_some(token),
        csrf_token: cookie.then(|| csrf_token(token)),
    };
    let reply = Reply::created(&session, false);
    if !cookie {
        return Ok(reply);
    }
    let lifetime = signed_in.expires_at.since(chat.now());
    Ok(reply.header(SET_COOKIE, call.service.cookie.set(Some((token, lifetime)))))
}

/// `GET /v1/sessions/current`
pub(super) async fn show(call: Call) -> Result<Reply, Refusal> {
    let credential = &call.caller()?.credential;
    let session = call.chat().current_session(credential.secret()).await?;
    let tenant = Token::parse(credential.secret()).ok_or(Error::Unauthenticated)?.tenant();
    let online = call.chat().is_operator_online(tenant, session.operator.id);
    let by_cookie = matches!(credential, Credential::Cookie(_));
    Ok(Reply::ok(&SessionObject {
        operator: OperatorObject::new(&session.operator, online),
        expires_at: session.expires_at,
        token: None,
        csrf_token: by_cookie.then(|| csrf_token(credential.secret())),
    }))
}

/// `DELETE /v1/sessions/current`
pub(super) async fn end(call: Call) -> Result<Reply, Refusal> {
    let credential = &call.caller()?.credential;
    call.chat().sign_out(credential.secret()).await?;
    Ok(match credential {
        Credential::Bearer(_) => no_content(),
        Credential::Cookie(_) => no_content().header(SET_COOKIE, call.service.cookie.set(None)),
    })
}

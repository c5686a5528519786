//! The client asks for a WebSocket, in HTTP/1.1 (RFC 6455, 4.2) or HTTP/2 (RFC 8441).

use convor::Error;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::problem::Refusal;
use crate::reply::Reply;

/// The subprotocol that a client must offer.
const SUBPROTOCOL: &str = "convor.v1";

/// A request for a WebSocket that can be granted.
#[derive(Debug)]
pub(crate) struct Handshake {
    /// What proves to an HTTP/1.1 client that its request has been understood; HTTP/2 has no need of it.
    accept: Option<HeaderValue>,
}

impl Handshake {
    pub(crate) fn of(parts: &Parts) -> Result<Self, Error> {
        let headers = &parts.headers;
        let extended = parts.method == Method::CONNECT;
        let upgrades =
            has_token(headers, &CONNECTION, "upgrade") && has_token(headers, &UPGRADE, "websocket");
        let asks = extended || (parts.method == Method::GET && upgrades);
        if !asks {
            return Err(Error::invalid("upgrade", "this is a WebSocket"));
        }
        if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(Error::invalid("sec-websocket-version", "must be 13"));
        }
        if !tokens(headers, &SEC_WEBSOCKET_PROTOCOL).any(|offered| offered == SUBPROTOCOL) {
            return Err(Error::invalid("sec-websocket-protocol", "must offer convor.v1"));
        }
        if extended {
            return Ok(Self { accept: None });
        }
        let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).filter(|key| is_key(key));
        let key = key.ok_or_else(|| Error::invalid("sec-websocket-key", "must be 16 bytes in base64"))?;
        Ok(Self { accept: HeaderValue::try_from(derive_accept_key(key)).ok() })
    }

    /// The connection that is to become a WebSocket.
    #[expect(clippy::unused_self, reason = "only what has been checked is upgraded")]
    pub(crate) fn upgrade(&self, parts: &mut Parts) -> Result<OnUpgrade, Refusal> {
        let upgrade = parts.extensions.remove::<OnUpgrade>();
        upgrade.ok_or_else(|| Refusal::invalid("upgrade", "this connection cannot become a WebSocket"))
    }

    pub(crate) fn reply(self) -> Reply {
        let protocol = HeaderValue::from_static(SUBPROTOCOL);
        match self.accept {
            None => Reply::bare(StatusCode::OK).header(SEC_WEBSOCKET_PROTOCOL, protocol),
            Some(accept) => Reply::bare(StatusCode::SWITCHING_PROTOCOLS)
                .header(CONNECTION, HeaderValue::from_static("upgrade"))
                .header(UPGRADE, HeaderValue::from_static("websocket"))
                .header(SEC_WEBSOCKET_ACCEPT, accept)
                .header(SEC_WEBSOCKET_PROTOCOL, protocol),
        }
    }
}

/// The comma-separated entries of a header, over all lines in which it comes.
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token))
}

/// Sixteen bytes in base64.
fn is_key(key: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(digit)
}

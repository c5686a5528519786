//! Takes in the body of a request, within its bounds.

use std::fmt;

use bytes::{Buf, Bytes};
use convor::{Error, Limits};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Body as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::problem::Refusal;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request, whatever server it came through: the handlers are compiled once.
pub(crate) type RequestBody = UnsyncBoxBody<Bytes, Broken>;

/// A body that broke off. Why is the server's business, and none of the client's.
#[derive(Debug)]
pub(crate) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body broke off")
    }
}

impl std::error::Error for Broken {}

/// Takes the server's type from a body.
pub(crate) fn boxed<B>(body: B) -> RequestBody
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    let bytes =
        |frame: http_body::Frame<B::Data>| frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
    body.map_frame(bytes).map_err(|_| Broken).boxed_unsync()
}

/// Reads a body of JSON. What announces too much is refused before a byte is read; what does not announce it is cut where
/// it goes beyond.
pub(crate) async fn read(headers: &HeaderMap, body: RequestBody, limits: &Limits) -> Result<Bytes, Refusal> {
    if !is_json(headers) {
        return Err(Refusal::UnsupportedMediaType);
    }
    let max = limits.body_bytes_max;
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let least = body.size_hint().lower().max(announced.unwrap_or(0));
    if usize::try_from(least).map_or(true, |least| least > max) {
        return Err(Refusal::PayloadTooLarge);
    }
    let collected = tokio::time::timeout(limits.body_timeout, Limited::new(body, max).collect()).await;
    match collected.map_err(|_| Refusal::BodyTooLate)? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::PayloadTooLarge),
        Err(_) => Err(Error::invalid("body", "could not be read").into()),
    }
}

/// Whether a body says that it is JSON, and in nothing but UTF-8.
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else { return false };
    let Ok(text) = only.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let utf8 = |parameter: &str| {
        ["charset=utf-8", "charset=\"utf-8\""].iter().any(|utf8| parameter.eq_ignore_ascii_case(utf8))
    };
    json && parts.all(utf8) && !headers.contains_key(CONTENT_ENCODING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn s29_a_body_is_json_in_utf8_or_refused() {
        let is = |text: &'static str| {
            is_json(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(text))]))
        };
        assert!(
            is("application/json")
                && is("Application/JSON; Charset=UTF-8")
                && is("application/json;charset=\"utf-8\"")
        );
        for other in [
            "text/json",
            "application/json; charset=latin1",
            "application/jsonp",
            "",
            "text/plain;application/json",
        ] {
            assert!(!is(other), "{other}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}

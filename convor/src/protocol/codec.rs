//! From bytes to frames and bodies, and back.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::protocol::ClientFrame;

/// Reads the body of a request.
///
/// # Errors
/// [`Error::Invalid`] with the place at which it went wrong, never with what stood there.
pub fn decode_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| refuse("body", &error))
}

/// Reads a frame of a client.
///
/// # Errors
/// The frame's `ref`, if it has a usable one, and [`Error::Invalid`].
pub fn decode_frame(text: &str) -> Result<ClientFrame, (Option<String>, Error)> {
    #[derive(Deserialize)]
    struct Kind {
        r#type: String,
    }

    let decoded = serde_json::from_str::<Kind>(text).and_then(|kind| {
        Ok(match kind.r#type.as_str() {
            "hello" => ClientFrame::Hello(serde_json::from_str(text)?),
            "subscribe" => ClientFrame::Subscribe(serde_json::from_str(text)?),
            "unsubscribe" => ClientFrame::Unsubscribe(serde_json::from_str(text)?),
            "send" => ClientFrame::Send(serde_json::from_str(text)?),
            "typing" => ClientFrame::Typing(serde_json::from_str(text)?),
            "read" => ClientFrame::Read(serde_json::from_str(text)?),
            "page" => ClientFrame::Page(serde_json::from_str(text)?),
            _ => ClientFrame::Unknown,
        })
    });
    match decoded {
        Ok(ClientFrame::Unknown) => Err((reference(text), Error::invalid("type", "is not known"))),
        Ok(frame) => Ok(frame),
        Err(error) => Err((reference(text), refuse("frame", &error))),
    }
}

/// The `ref` of a frame that could not be read, so that the client knows which one it was.
fn reference(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Reference {
        r#ref: String,
    }
    let found = serde_json::from_str::<Reference>(text).ok()?.r#ref;
    is_reference(&found).then_some(found)
}

/// Whether a text may be a `ref`: 1 to 64 characters.
pub(crate) fn is_reference(text: &str) -> bool {
    !text.is_empty() && text.chars().nth(64).is_none()
}

fn refuse(field: &'static str, error: &serde_json::Error) -> Error {
    let problem = match error.classify() {
        serde_json::error::Category::Data => "has an unknown, missing or ill-typed key",
        _ => "is not JSON in UTF-8",
    };
    Error::invalid(field, format!("{problem} (line {}, column {})", error.line(), error.column()))
}

/// Writes an object.
#[must_use]
pub fn encode<T: Serialize + ?Sized>(object: &T) -> Bytes {
    match serde_json::to_vec(object) {
        Ok(json) => json.into(),
        Err(error) => {
            // The objects of this module have string keys and no failing serializers.
            debug_assert!(false, "an object has no JSON: {error}");
            Bytes::from_static(b"null")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> (Option<String>, String) {
        let (reference, error) = decode_frame(text).expect_err("refused");
        assert_eq!(error.code(), "invalid_request");
        (reference, error.to_string())
    }

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn a_frame_is_read() {
        let text =
            format!(r#"{{"type":"send","ref":"1","conversation":"{ID}","client_id":"{ID}","text":"hi"}}"#);
        assert!(matches!(decode_frame(&text), Ok(ClientFrame::Send(_))));
        assert!(matches!(decode_frame(r#"{"type":"hello"}"#), Ok(ClientFrame::Hello(_))));
    }

    #[test]
    fn s04_an_unknown_key_is_refused_with_its_ref_and_without_its_name() {
        let text = format!(
            r#"{{"type":"send","ref":"r7","conversation":"{ID}","client_id":"{ID}","text":"hi","tenant_id":"{ID}"}}"#
        );
        let (reference, message) = refusal(&text);
        assert_eq!(reference.as_deref(), Some("r7"));
        assert!(!message.contains("tenant_id") && message.contains("line 1, column"), "{message}");
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for text in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"nope","ref":"a"}"#,
            r#"{"type":"hello","type":"hello"}"#,
            r#"{"type":"read","conversation":"x","seq":1}"#,
            r#"{"type":"read","conversation":"01890a5d-ac96-774b-bcce-b302099a8057","seq":-1}"#,
            r#"{"type":"typing","conversation":"01890a5d-ac96-774b-bcce-b302099a8057","active":"yes"}"#,
            r#"{"type":"page","url":"\ud800"}"#,
        ] {
            refusal(text);
        }
        assert_eq!(refusal(r#"{"type":"nope","ref":"a"}"#).0.as_deref(), Some("a"));
        assert_eq!(refusal(&format!(r#"{{"type":"nope","ref":"{}"}}"#, "x".repeat(65))).0, None);
    }
}

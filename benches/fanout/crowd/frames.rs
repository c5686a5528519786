//! What a Convor server says, as far as a crowd counts it.

use serde::Deserialize;

use crate::message::Finder;

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Welcome,
    /// An event at this position; with a message of this number, if it is one of a crowd's.
    Event {
        seq: u64,
        post: Option<u64>,
        bytes: usize,
    },
    Acknowledged {
        conversation: usize,
        post: u64,
    },
    Refused {
        conversation: usize,
        post: u64,
        code: String,
        is_told: bool,
    },
    /// An error that answers no post, or the announcement of an end.
    Ending {
        why: String,
        after_ms: Option<u64>,
    },
    /// What a crowd has no use for.
    Other,
}

/// As much of an `error` or `closing` as is of use.
#[derive(Deserialize)]
struct Trouble {
    #[serde(rename = "ref", default)]
    reference: Option<String>,
    code: serde_json::Value,
    retry_after_ms: Option<u64>,
    reconnect_after_ms: Option<u64>,
}

const EVENT: &[u8] = br#"{"type":"event","conversation":""#;
const SEQ: &[u8] = br#"","seq":"#;
const ACK: &[u8] = br#"{"type":"ack","ref":""#;
const ID_BYTES: usize = 36;

/// What a text frame says. Frames that are frequent are read where they differ, and the others as JSON.
pub(super) fn read(payload: &[u8], finder: &mut Finder) -> serde_json::Result<Said> {
    if let Some(rest) = payload.strip_prefix(EVENT) {
        let seq = rest.get(ID_BYTES..).and_then(|rest| rest.strip_prefix(SEQ)).and_then(leading);
        return Ok(seq.map_or(Said::Other, |seq| Said::Event {
            seq,
            post: finder.number(payload),
            bytes: payload.len(),
        }));
    }
    if let Some(rest) = payload.strip_prefix(ACK) {
        let found = rest.split(|byte| *byte == b'"').next().and_then(reference);
        return Ok(
            found.map_or(Said::Other, |(conversation, post)| Said::Acknowledged { conversation, post })
        );
    }
    let is = |kind: &str| payload.starts_with(format!("{{\"type\":\"{kind}\"").as_bytes());
    if is("error") || is("closing") {
        let trouble: Trouble = serde_json::from_slice(payload)?;
        let code = trouble.code.as_str().map_or_else(|| trouble.code.to_string(), str::to_owned);
        let is_told = trouble.retry_after_ms.is_some();
        let post = trouble.reference.and_then(|of| reference(of.as_bytes()));
        return Ok(match post {
            Some((conversation, post)) => Said::Refused { conversation, post, code, is_told },
            None => {
                Said::Ending { why: code, after_ms: trouble.retry_after_ms.or(trouble.reconnect_after_ms) }
            }
        });
    }
    Ok(match () {
        () if is("welcome") => Said::Welcome,
        // What is missing cannot be had without asking for pages: that counts as turned away.
        () if is("reset") => Said::Ending { why: "reset".to_owned(), after_ms: None },
        () => Said::Other,
    })
}

fn leading(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&bytes[..digits]).ok()?.parse().ok()
}

fn reference(bytes: &[u8]) -> Option<(usize, u64)> {
    let (conversation, post) = std::str::from_utf8(bytes).ok()?.split_once('.')?;
    Some((conversation.parse().ok()?, post.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(frame: &str) -> Said {
        read(frame.as_bytes(), &mut Finder::default()).expect("a frame")
    }

    #[test]
    fn frames_are_understood_as_the_server_writes_them() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let event =
            format!(r#"{{"type":"event","conversation":"{id}","seq":12,"epoch":1,"text":"~#0000000007 x"}}"#);
        assert_eq!(said(&event), Said::Event { seq: 12, post: Some(7), bytes: event.len() });
        let ack = format!(r#"{{"type":"ack","ref":"3.14","conversation":"{id}"}}"#);
        assert_eq!(said(&ack), Said::Acknowledged { conversation: 3, post: 14 });
        let refused = r#"{"type":"error","ref":"3.15","code":"rate_limited","title":"x","retry_after_ms":9}"#;
        let (code, conversation, post) = ("rate_limited".to_owned(), 3, 15);
        assert_eq!(said(refused), Said::Refused { conversation, post, code, is_told: true });
        let closing = r#"{"type":"closing","code":4001,"reason":"x","reconnect_after_ms":20}"#;
        assert_eq!(said(closing), Said::Ending { why: "4001".to_owned(), after_ms: Some(20) });
        assert_eq!(said(r#"{"type":"heartbeat"}"#), Said::Other);
    }
}

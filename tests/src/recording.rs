//! What has passed a [`Proxy`](crate::proxy::Proxy), read as HTTP/1.1 (RFC 9112) and WebSocket frames (RFC 6455).

use serde_json::Value;

/// The bytes of a connection.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Recording {
    /// What the client has sent.
    pub to_server: Vec<u8>,
    /// What the server has sent.
    pub to_client: Vec<u8>,
}

/// A request, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// The path and query.
    pub target: String,
    /// Everything between the first line and the body, in lower case.
    pub headers: String,
}

impl Recording {
    /// The requests of the client.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        let mut requests = Vec::new();
        let mut rest = self.to_server.as_slice();
        while let Some((head, body)) = split_head(rest) {
            let (first, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
            let mut words = first.split(' ').map(str::to_owned);
            let (Some(method), Some(target)) = (words.next(), words.next()) else {
                break;
            };
            let headers = headers.to_ascii_lowercase();
            let upgrades =
                headers.contains("\r\nupgrade: websocket") || headers.starts_with("upgrade: websocket");
            let length = header(&headers, "content-length").and_then(|length| length.parse().ok());
            requests.push(Request { method, target, headers });
            // What follows an upgrade are frames.
            let body_length = if upgrades { usize::MAX } else { length.unwrap_or(0) };
            rest = body.get(body_length..).unwrap_or_default();
        }
        requests
    }

    /// The JSON in the bodies of the server's answers.
    #[must_use]
    pub fn bodies(&self) -> Vec<Value> {
        let mut bodies = Vec::new();
        let mut rest = self.to_client.as_slice();
        while let Some((head, body)) = split_head(rest) {
            let headers = head.to_ascii_lowercase();
            let length = header(&headers, "content-length").and_then(|length| length.parse().ok());
            let Some((body, next)) = body.split_at_checked(length.unwrap_or(0)) else {
                break;
            };
            bodies.extend(serde_json::from_slice::<Value>(body).ok());
            rest = next;
        }
        bodies
    }

    /// The JSON of the frames that the server has sent, if this was a WebSocket.
    #[must_use]
    pub fn frames(&self) -> Vec<Value> {
        texts(&self.to_client, "HTTP/1.1 101 ")
    }

    /// The JSON of the frames that the client has sent, if this was a WebSocket.
    #[must_use]
    pub fn client_frames(&self) -> Vec<Value> {
        if self.to_client.starts_with(b"HTTP/1.1 101 ") { texts(&self.to_server, "GET ") } else { Vec::new() }
    }
}

impl Request {
    /// A header's value, in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

/// The positions of the events that were brought over these connections, by frames and by pages, each once.
#[must_use]
pub fn seqs(recordings: &[Recording]) -> Vec<u64> {
    let mut seqs = Vec::new();
    for recording in recordings {
        let pages = recording.bodies().into_iter().filter_map(|mut page| match page["data"].take() {
            Value::Array(events) => Some(events),
            _ => None,
        });
        let events = pages.flatten().chain(recording.frames());
        let is_event = |event: &Value| event["epoch"].is_u64() && event["kind"].is_string();
        seqs.extend(events.filter(is_event).filter_map(|event| event["seq"].as_u64()));
    }
    seqs.sort_unstable();
    seqs.dedup();
    seqs
}

/// Where in these recordings a text stands that should be in none of them, in any of the ways in which JSON can write it.
#[must_use]
pub fn traces(recordings: &[Recording], text: &str) -> Vec<String> {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let spellings = [text, quoted.trim_matches('"'), escaped.as_str()];
    let holds = |bytes: &[u8]| {
        let bytes = String::from_utf8_lossy(bytes).to_lowercase();
        spellings.iter().any(|spelling| bytes.contains(&spelling.to_lowercase()))
    };
    let mut found = Vec::new();
    for (number, recording) in recordings.iter().enumerate() {
        for (bytes, side) in [(&recording.to_client, "client"), (&recording.to_server, "server")] {
            if holds(bytes) {
                found.push(format!("connection {number}, to the {side}"));
            }
        }
    }
    found
}

fn header<'a>(headers: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = headers.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| *key == name).map(|(_, value)| value.trim())
}

fn split_head(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((String::from_utf8_lossy(&bytes[..end]).into_owned(), &bytes[end + 4..]))
}

/// The text messages that follow the head of an upgrade. Frames that were cut off are left out.
fn texts(bytes: &[u8], head: &str) -> Vec<Value> {
    const TEXT: u8 = 1;
    const CONTINUATION: u8 = 0;
    if !bytes.starts_with(head.as_bytes()) {
        return Vec::new();
    }
    let Some((_, mut rest)) = split_head(bytes) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut message = Vec::new();
    while let Some(frame) = Frame::read(&mut rest) {
        if frame.opcode != TEXT && frame.opcode != CONTINUATION {
            continue;
        }
        message.extend_from_slice(&frame.payload);
        if frame.ends {
            found.extend(serde_json::from_slice::<Value>(&message).ok());
            message.clear();
        }
    }
    found
}

/// RFC 6455, 5.2.
struct Frame {
    ends: bool,
    opcode: u8,
    payload: Vec<u8>,
}

impl Frame {
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let mut rest = *bytes;
        let head = take(&mut rest, 2)?;
        let (first, second) = (head[0], head[1]);
        let length = match second & 0x7f {
            126 => u64::from(u16::from_be_bytes(take(&mut rest, 2)?.try_into().ok()?)),
            127 => u64::from_be_bytes(take(&mut rest, 8)?.try_into().ok()?),
            short => u64::from(short),
        };
        let mask = if second & 0x80 == 0 { [0; 4] } else { take(&mut rest, 4)?.try_into().ok()? };
        let payload = take(&mut rest, usize::try_from(length).ok()?)?;
        *bytes = rest;
        Some(Self {
            ends: first & 0x80 != 0,
            opcode: first & 0x0f,
            payload: payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect(),
        })
    }
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upgraded(frames: &[u8]) -> Recording {
        let mut to_server = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc".to_vec();
        to_server.extend_from_slice(
            b"GET /b?c HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\x81\x00GET / HTTP/1.1\r\n\r\n",
        );
        let mut to_client = b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec();
        to_client.extend_from_slice(frames);
        Recording { to_server, to_client }
    }

    #[test]
    fn requests_end_where_frames_begin() {
        let requests = upgraded(&[]).requests();
        let lines: Vec<_> = requests.iter().map(|r| (r.method.as_str(), r.target.as_str())).collect();
        assert_eq!(lines, [("POST", "/a"), ("GET", "/b?c")]);
        assert_eq!(requests[0].header("host"), Some("x"));
    }

    #[test]
    fn frames_are_joined_unmasked_and_read() {
        let frames = upgraded(b"\x89\x01p\x01\x01{\x80\x01}\x81\x82\x01\x02\x03\x04\x7a\x7f\x81\x7e\x00");
        assert_eq!(frames.frames(), [serde_json::json!({}), serde_json::json!({})]);
    }

    #[test]
    fn a_trace_is_found_however_it_is_written() {
        for spelling in ["a \"b\" ß", "a \\\"b\\\" ß", "\\u0061\\u0020\\u0022\\u0062\\u0022\\u0020\\u00DF"]
        {
            let recording = upgraded(spelling.as_bytes());
            assert_eq!(traces(&[recording], "a \"b\" ß"), ["connection 0, to the client"], "{spelling}");
        }
        assert!(traces(&[upgraded(b"else")], "canary").is_empty());
    }
}

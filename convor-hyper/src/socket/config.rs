//! How tungstenite is to behave.

use convor::Limits;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// Of the read buffer, which each connection has. tungstenite fills it with zeros before each read, so a large one costs time as
/// well as space, and almost all that clients say fits into a small one.
const READ_BYTES: usize = 2 * 1024;

pub(super) fn config(limits: &Limits) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .max_message_size(Some(limits.frame_bytes_max))
        .max_frame_size(Some(limits.frame_bytes_max))
}

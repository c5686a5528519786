//! How tungstenite is to behave.

use convor::Limits;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// Of the read buffer. tungstenite fills it with zeros before each read, so a large one costs time as well as space.
const READ_BYTES: usize = 4 * 1024;

/// Each frame is handed on at once, and a burst is gathered [beneath](super::gathering): what tungstenite gathers itself it
/// keeps room for, as long as the connection lasts. So it keeps room for the largest frame that it has written.
const WRITE_BYTES: usize = 0;

pub(super) fn config(limits: &Limits) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(WRITE_BYTES)
        .max_write_buffer_size(limits.queue_bytes_max.saturating_add(READ_BYTES))
        .max_message_size(Some(limits.frame_bytes_max))
        .max_frame_size(Some(limits.frame_bytes_max))
}

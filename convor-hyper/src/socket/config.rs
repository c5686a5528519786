//! How tungstenite is to behave.

use convor::Limits;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// Of the read buffer. tungstenite fills it with zeros before each read, so a large one costs time as well as space.
const READ_BYTES: usize = 4 * 1024;

/// After so many bytes tungstenite writes without being told to flush: a burst goes out in few writes, and an idle
/// connection holds little.
const WRITE_BYTES: usize = 32 * 1024;

pub(super) fn config(limits: &Limits) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(WRITE_BYTES)
        .max_write_buffer_size(WRITE_BYTES + limits.queue_bytes_max.max(READ_BYTES))
        .max_message_size(Some(limits.frame_bytes_max))
        .max_frame_size(Some(limits.frame_bytes_max))
}

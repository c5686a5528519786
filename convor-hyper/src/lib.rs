//! Convor over HTTP and WebSocket.

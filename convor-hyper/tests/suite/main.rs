//! Convor over HTTP and WebSocket, called without a socket and over real ones.

mod answers;
mod bodies;
mod cookies;
mod delivery;
mod fixture;
mod logs;
mod mounted;
mod origins;
mod problems;
mod routes;
mod served;
mod sockets;

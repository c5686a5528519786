//! How many connections there may be at once.

use std::time::Duration;

use convor_tests::server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long anything may take here: a bound for a broken system, not a measure of a sound one.
const PATIENCE: Duration = Duration::from_secs(30);

/// A WebSocket, if the server has a place for it.
async fn socket(server: &Server) -> Option<TcpStream> {
    let address = server.announced.listen.to_string();
    let mut stream = TcpStream::connect(&address).await.expect("it listens");
    let request = format!(
        "GET /chat/v1/socket HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-protocol: convor.v1\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    // Who is turned away may be told so before this has been sent.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut begin = [0; 12];
    let answered = tokio::time::timeout(PATIENCE, stream.read_exact(&mut begin)).await.expect("in time");
    (answered.is_ok() && &begin == b"HTTP/1.1 101").then_some(stream)
}

#[tokio::test]
async fn a_websocket_keeps_the_place_of_its_connection() {
    let server = Server::start(&["--connections-max", "2"]).await;
    let sockets = [socket(&server).await, socket(&server).await];
    assert!(sockets.iter().all(Option::is_some));
    assert!(socket(&server).await.is_none(), "there are two already");
    drop(sockets);
    let again = async { while socket(&server).await.is_none() {} };
    tokio::time::timeout(PATIENCE, again).await.expect("a place is free when its socket has gone");
}

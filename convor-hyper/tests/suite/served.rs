//! A service behind a real port, and clients that open WebSockets to it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use convor_hyper::ChatService;
use futures_util::{SinkExt, StreamExt};
use http::{Request, StatusCode, Version};
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper::ext::Protocol;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::fixture::World;

/// How long anything may take here: a bound for a broken system, not a measure of a sound one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Serves `service` on a port of its own, in HTTP/1.1 and HTTP/2, with small buffers, so that a slow reader is soon noticed.
pub(crate) async fn serve(service: &ChatService) -> SocketAddr {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_send_buffer_size(8 * 1024).expect("a small buffer");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let listener = socket.listen(1024).expect("a listener");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(accept(listener, service.clone()));
    address
}

async fn accept(listener: TcpListener, service: ChatService) {
    while let Ok((stream, peer)) = listener.accept().await {
        let service = TowerToHyperService::new(FromPeer(service.clone(), peer));
        tokio::spawn(async move {
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder.http2().enable_connect_protocol();
            let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
        });
    }
}

/// What a host does: it says from where a request comes.
#[derive(Clone)]
struct FromPeer(ChatService, SocketAddr);

impl<B> tower_service::Service<Request<B>> for FromPeer
where
    ChatService: tower_service::Service<Request<B>>,
{
    type Response = <ChatService as tower_service::Service<Request<B>>>::Response;
    type Error = <ChatService as tower_service::Service<Request<B>>>::Error;
    type Future = <ChatService as tower_service::Service<Request<B>>>::Future;

    fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(convor_hyper::Peer(self.1.ip()));
        self.0.call(request)
    }
}

/// One end of a WebSocket.
pub(crate) struct Client<S = TcpStream> {
    stream: WebSocketStream<S>,
    /// Frames that were passed over in search of another.
    pub(crate) seen: Vec<Value>,
}

/// An upgrade that is being put together.
pub(crate) struct Dialing {
    address: SocketAddr,
    request: http::request::Builder,
    small: bool,
}

/// A WebSocket to this address.
pub(crate) fn dial(address: SocketAddr, path: &str) -> Dialing {
    let request = Request::get(format!("ws://{address}{path}"))
        .header("host", address.to_string())
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", "convor.v1");
    Dialing { address, request, small: false }
}

impl Dialing {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn origin(self, origin: &str) -> Self {
        self.header("origin", origin)
    }

    pub(crate) fn cookie(self, token: &str) -> Self {
        self.header("cookie", &format!("__Host-convor_session={token}"))
    }

    /// With a receive buffer that is soon full.
    pub(crate) fn small(mut self) -> Self {
        self.small = true;
        self
    }

    pub(crate) async fn open(self) -> Client {
        self.attempt().await.unwrap_or_else(|status| panic!("the upgrade was refused with {status}"))
    }

    /// Opens it, or says with which status it was refused.
    pub(crate) async fn attempt(self) -> Result<Client, u16> {
        let socket = TcpSocket::new_v4().expect("a socket");
        if self.small {
            socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
        }
        let stream = socket.connect(self.address).await.expect("a connection");
        let request = self.request.body(()).expect("a request");
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((stream, response)) => {
                assert_eq!(
                    response.headers().get("sec-websocket-protocol").expect("a protocol"),
                    "convor.v1"
                );
                Ok(Client::over(stream))
            }
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no WebSocket: {error}"),
        }
    }
}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Client<S> {
    pub(crate) fn over(stream: WebSocketStream<S>) -> Self {
        Self { stream, seen: Vec::new() }
    }

    /// Says hello with a token, and waits for the welcome.
    pub(crate) async fn hello(&mut self, token: &str) -> Value {
        self.send(json!({"type": "hello", "token": token})).await;
        self.until("welcome").await
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.message(Message::text(frame.to_string())).await;
    }

    pub(crate) async fn message(&mut self, message: Message) {
        self.stream.send(message).await.expect("an open connection");
    }

    /// The bytes below the frames.
    pub(crate) fn raw(&mut self) -> &mut S {
        self.stream.get_mut()
    }

    /// The next frame of this type; what comes before is kept in `seen`.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        loop {
            let frame =
                self.next().await.unwrap_or_else(|end| panic!("no {kind} but {end:?} after {:?}", self.seen));
            if frame["type"] == kind {
                return frame;
            }
            self.seen.push(frame);
        }
    }

    /// The next frame, or how the connection ended.
    pub(crate) async fn next(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("something in time");
            match next {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(frame))) => {
                    // The answer to the close is on its way until the stream has ended.
                    while let Some(Ok(_)) = self.stream.next().await {}
                    return Err(frame);
                }
                Some(Ok(other)) => panic!("{other:?}"),
                Some(Err(error)) => panic!("{error}"),
                None => return Err(None),
            }
        }
    }

    /// With which code the connection ends; what comes before is kept in `seen`.
    pub(crate) async fn end(&mut self) -> u16 {
        loop {
            match self.next().await {
                Ok(frame) => self.seen.push(frame),
                Err(end) => return end.expect("a close frame").code.into(),
            }
        }
    }

    /// Lets everything that has been sent to this connection arrive: a frame that is answered at once comes last.
    pub(crate) async fn settle(&mut self) {
        self.send(json!({"type": "nothing", "ref": "settle"})).await;
        while self.until("error").await["ref"] != "settle" {}
    }

    /// The positions of the events that were seen.
    pub(crate) fn seqs(&self) -> Vec<u64> {
        let events = self.seen.iter().filter(|frame| frame["type"] == "event");
        events.map(|event| event["seq"].as_u64().expect("a position")).collect()
    }
}

/// A world behind a port.
pub(crate) async fn served(world: &World) -> SocketAddr {
    serve(&world.service).await
}

/// A connection that speaks HTTP/2 and can carry WebSockets. The server may send so many bytes of a stream before they are read.
pub(crate) async fn http2(address: SocketAddr, window: u32) -> http2::SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(window);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.expect("HTTP/2");
    tokio::spawn(connection);
    // The server's word that it knows extended CONNECT comes with its settings, before its first answer.
    let request = Request::get(format!("http://{address}/healthz")).body(Empty::new()).expect("a request");
    assert_eq!(sender.send_request(request).await.expect("an answer").status(), StatusCode::OK);
    sender
}

/// A WebSocket over HTTP/2, below its frames.
pub(crate) async fn upgraded(sender: &mut http2::SendRequest<Empty<Bytes>>, address: SocketAddr) -> Upgraded {
    let connect = Request::connect(format!("http://{address}/v1/socket"))
        .version(Version::HTTP_2)
        .header("sec-websocket-version", "13")
        .header("sec-websocket-protocol", "convor.v1")
        .extension(Protocol::from_static("websocket"));
    let response = sender.send_request(connect.body(Empty::new()).expect("a request")).await;
    let response = response.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers().get("sec-websocket-protocol").expect("a protocol"), "convor.v1");
    hyper::upgrade::on(response).await.expect("a stream")
}

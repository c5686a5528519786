//! Serves connections until it is told to stop, and then lets them finish.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use convor_hyper::{Body, ChatService, Peer, WhileConnected};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tower_service::Service;

use crate::files;
use crate::ready::{self, Readiness};

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a client of HTTP/2 is asked whether it is still there.
const PING: Duration = Duration::from_secs(30);

/// How long requests may go on while sockets are drained.
const GRACE: Duration = Duration::from_secs(20);

/// How many connections may wait to be accepted, as far as the system lets them (`net.core.somaxconn`). A client that finds no
/// room tries again after a second: that is what everybody would wait for when all come back at once.
const BACKLOG: u32 = 16_384;

/// With what a client of HTTP/2 begins (RFC 9113, 3.4).
const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Listens on an address, also where connections of the server before still linger.
pub(crate) fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Becomes ready on SIGTERM or SIGINT.
pub(crate) fn shutdown_signal() -> std::io::Result<impl Future<Output = ()> + Send> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Serves until `shutdown`, then drains: sockets are told to come back, requests finish.
pub(crate) async fn until(
    shutdown: impl Future<Output = ()> + Send,
    listener: TcpListener,
    connections_max: usize,
    service: ChatService,
    readiness: Readiness,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_headers(64);
    // WebSockets over HTTP/2 need the extended CONNECT of RFC 8441. Whoever does not answer a ping has gone.
    let http2 = &mut builder.http2();
    http2.timer(TokioTimer::new()).enable_connect_protocol().max_concurrent_streams(100);
    http2.keep_alive_interval(Some(PING)).keep_alive_timeout(HEAD_TIMEOUT);
    let places = Arc::new(Semaphore::new(connections_max));
    let graceful = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Most often there are no file descriptors left; some will be in a moment.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = &mut shutdown => break,
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!("there are too many connections; one was turned away");
            continue;
        };
        // A connection that becomes a WebSocket keeps its place.
        let place = WhileConnected(Arc::new(place));
        let (builder, watcher) = (builder.clone(), graceful.watcher());
        let (service, readiness) = (service.clone(), readiness.clone());
        tokio::spawn(async move {
            // Nobody may hold a place and say nothing.
            if !matches!(tokio::time::timeout(HEAD_TIMEOUT, has_begun(&stream)).await, Ok(Ok(true))) {
                return;
            }
            if let Err(error) =
                watcher.watch(serve(&builder, stream, (peer, place), service, readiness)).await
            {
                tracing::debug!(error, "a connection ended early");
            }
        });
    }
    drop(listener);
    tracing::info!("draining");
    let (cut, requests) = tokio::join!(service.drain(), tokio::time::timeout(GRACE, graceful.shutdown()));
    tracing::info!(sockets_cut = cut, requests_finished = requests.is_ok(), "bye");
}

/// Waits until it can be told which version of HTTP a client speaks; `false` if the client has gone.
async fn has_begun(stream: &TcpStream) -> std::io::Result<bool> {
    let mut begin = [0; HTTP2_PREFACE.len()];
    loop {
        let peeked = stream.peek(&mut begin).await?;
        if peeked == 0 {
            return Ok(false);
        }
        if peeked == begin.len() || !HTTP2_PREFACE.starts_with(&begin[..peeked]) {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One connection, with all of its requests.
fn serve(
    builder: &Builder<TokioExecutor>,
    stream: TcpStream,
    whose: (SocketAddr, WhileConnected),
    chat: ChatService,
    readiness: Readiness,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = Box<dyn std::error::Error + Send + Sync>> + use<>
{
    // Small frames are not to wait for each other.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps small frames back");
    }
    let requests = hyper::service::service_fn(move |request| {
        answer(chat.clone(), readiness.clone(), whose.clone(), request)
    });
    builder.serve_connection_with_upgrades(TokioIo::new(stream), requests).into_owned()
}

/// What is under `/chat` goes to Convor, everything else is a file.
async fn answer(
    mut chat: ChatService,
    readiness: Readiness,
    (peer, place): (SocketAddr, WhileConnected),
    mut request: Request<Incoming>,
) -> Result<Response<Either<Body, Full<Bytes>>>, Infallible> {
    let Some(inner) = below_prefix(request.uri()) else {
        return Ok(files::answer(&request).map(|content| Either::Right(Full::new(content))));
    };
    let probes = inner.path() == "/readyz" && matches!(*request.method(), Method::GET | Method::HEAD);
    *request.uri_mut() = inner;
    request.extensions_mut().insert(Peer(peer.ip()));
    request.extensions_mut().insert(place);
    let response = chat.call(request).await?;
    // Convor knows of the storage whether it answers; this server says also why it does not, and what else is amiss.
    let told = match response.status() {
        StatusCode::OK if probes => readiness.degraded().map(ready::consent),
        StatusCode::SERVICE_UNAVAILABLE if probes => readiness.missing().await.map(ready::refusal),
        _ => None,
    };
    Ok(match told {
        Some(told) => told.map(|content| Either::Right(Full::new(content))),
        None => response.map(Either::Left),
    })
}

/// The address as Convor knows it, if it is under `/chat`.
fn below_prefix(uri: &Uri) -> Option<Uri> {
    let path = uri.path_and_query()?.as_str().strip_prefix("/chat")?;
    if path.starts_with('/') { path.parse().ok() } else { None }
}

//! The pages, the widget and the client, as they were when the server was built.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use include_dir::{Dir, include_dir};

static PAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pages");
static CLIENT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../clients/js/client");
static WIDGET: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../clients/js/widget");

/// Nothing inline, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What stands at the root: the pages have addresses of their own.
const INDEX: &str = "Convor's reference server.\n\nThe operator dashboard is at /dashboard, a site's page at /visit/ and \
    the site's key,\nand the API at /chat. The addresses with their keys stand in what the server printed at its start.\n";

/// Answers with a file.
pub(crate) fn answer<B>(request: &Request<B>) -> Response<Bytes> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD.");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match find(request.uri().path()) {
        _ if request.uri().path() == "/" => text(StatusCode::OK, INDEX),
        Some((name, content)) => file(name, content),
        None => text(StatusCode::NOT_FOUND, "There is no such page."),
    }
}

fn find(path: &str) -> Option<(&str, &'static [u8])> {
    let page = |name| PAGES.get_file(name).map(|file| (name, file.contents()));
    let from = |dir: &'static Dir<'_>, name| dir.get_file(name).map(|file| (name, file.contents()));
    match path {
        "/dashboard" => page("dashboard.html"),
        _ if path.starts_with("/visit/") => page("visitor.html"),
        _ => None
            .or_else(|| from(&PAGES, path.strip_prefix("/assets/")?))
            .or_else(|| from(&CLIENT, path.strip_prefix("/convor/client/")?))
            .or_else(|| from(&WIDGET, path.strip_prefix("/convor/widget/")?)),
    }
}

fn file(name: &str, content: &'static [u8]) -> Response<Bytes> {
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    respond(StatusCode::OK, kind, Bytes::from_static(content))
}

fn text(status: StatusCode, text: &'static str) -> Response<Bytes> {
    respond(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

fn respond(status: StatusCode, kind: &'static str, content: Bytes) -> Response<Bytes> {
    let mut response = Response::new(content);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

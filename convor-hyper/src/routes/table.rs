//! Which route a request asks for.

use http::{HeaderValue, Method, Request};
use matchit::Router;

use super::{Access, Route, routes};
use crate::problem::Refusal;
use convor::Error;

/// The routes by their paths.
#[derive(Debug)]
pub(crate) struct Table(Router<Vec<&'static Route>>);

/// What a request asks for.
#[derive(Debug)]
pub(crate) enum Found {
    /// This route, with this in the place of its `{id}`.
    Route(&'static Route, Option<String>),
    /// What may be asked for at its path.
    Options(HeaderValue),
}

impl Table {
    pub(crate) fn new() -> Self {
        let mut paths: Vec<(&'static str, Vec<&'static Route>)> = Vec::new();
        for route in routes() {
            match paths.iter_mut().find(|(path, _)| *path == route.path()) {
                Some((_, at_path)) => at_path.push(route),
                None => paths.push((route.path(), vec![route])),
            }
        }
        let mut router = Router::new();
        for (path, at_path) in paths {
            let inserted = router.insert(path, at_path);
            debug_assert!(inserted.is_ok(), "{path} stands in the way of another path");
        }
        Self(router)
    }

    pub(crate) fn find<B>(&self, request: &Request<B>) -> Result<Found, Refusal> {
        let matched = self.0.at(request.uri().path()).map_err(|_| Error::NotFound)?;
        let (at_path, method) = (matched.value, request.method());
        if method == Method::OPTIONS {
            return Ok(Found::Options(allowed(at_path)));
        }
        let route = at_path.iter().find(|route| answers(route, method, request));
        let route = route.ok_or_else(|| Refusal::MethodNotAllowed { allow: allowed(at_path) })?;
        Ok(Found::Route(route, matched.params.get("id").map(str::to_owned)))
    }
}

fn answers<B>(route: &Route, method: &Method, request: &Request<B>) -> bool {
    if route.method() == Method::GET && method == Method::HEAD {
        return true;
    }
    // RFC 8441: over HTTP/2 a WebSocket is asked for with an extended CONNECT.
    let protocol = request.extensions().get::<hyper::ext::Protocol>();
    let websocket =
        method == Method::CONNECT && protocol.is_some_and(|protocol| protocol.as_str() == "websocket");
    route.method() == method || (websocket && route.access() == Access::Hello)
}

fn allowed(at_path: &[&Route]) -> HeaderValue {
    let mut methods: Vec<&str> = Vec::new();
    for route in at_path {
        methods.push(route.method().as_str());
        if route.method() == Method::GET {
            methods.push("HEAD");
        }
    }
    methods.push("OPTIONS");
    HeaderValue::try_from(methods.join(", ")).unwrap_or_else(|_| HeaderValue::from_static("OPTIONS"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_found() {
        let table = Table::new();
        for route in routes() {
            let path = route.path().replace("{id}", "x");
            let request = Request::builder().method(route.method()).uri(path).body(()).expect("a request");
            let Ok(Found::Route(found, id)) = table.find(&request) else { panic!("{route:?} is not found") };
            assert!(std::ptr::eq(found, route));
            assert_eq!(id.is_some(), route.path().contains("{id}"));
        }
    }
}

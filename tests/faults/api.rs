//! The HTTP service of a server, as a client asks it.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::retry::Retry;
use crate::way::Way;

#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) way: Way,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Api {
    pub(crate) fn new(way: Way) -> Self {
        Self { way, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Result<Value, Retry> {
        self.ask(Method::POST, path, token, body.to_string()).await
    }

    /// Asks until there is an answer.
    pub(crate) async fn find(&self, path: &str, token: &str) -> Value {
        loop {
            match self.ask(Method::GET, path, Some(token), String::new()).await {
                Ok(found) => return found,
                Err(retry) => sleep(retry.pause).await,
            }
        }
    }

    /// Becomes a visitor of this site; gives the token.
    pub(crate) async fn register(&self, site: &str) -> String {
        let made = self.post("/v1/visitors", None, &json!({"site": site})).await;
        text(&made.expect("a visitor")["token"])
    }

    /// Signs in; gives the token.
    pub(crate) async fn sign_in(&self, tenant: &str, email: &str, password: &str) -> String {
        let body = json!({"tenant": tenant, "email": email, "password": password});
        text(&self.post("/v1/sessions", None, &body).await.expect("a session")["token"])
    }

    /// An answer, or when to ask again. A server that stays and does not answer at all fails the test.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: String,
    ) -> Result<Value, Retry> {
        let mut request =
            Request::builder().method(method).uri(format!("http://{}/chat{path}", self.way.address()));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Full::from(body)).expect("a request");
        let answer = timeout(self.way.patience(), self.answer(request)).await;
        let (head, body) = answer.map_err(|_| self.way.silence("an answer"))??;
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        if head.status.is_success() {
            return Ok(body);
        }
        let pause = head.headers.get("retry-after").map(|value| {
            let seconds = value.to_str().ok().and_then(|seconds| seconds.parse().ok());
            Duration::from_secs(seconds.expect("seconds"))
        });
        Err(Retry::problem(body["code"].as_str().expect("a code"), pause))
    }

    /// Whoever has got no answer asks the same once more, wherever it was lost.
    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<(http::response::Parts, Bytes), Retry> {
        let response = self.client.request(request).await;
        let response = response.map_err(|error| self.way.nobody(&format!("an answer: {error}")))?;
        let (head, body) = response.into_parts();
        let body = body.collect().await;
        Ok((head, body.map_err(|error| self.way.broken(&format!("a body: {error}")))?.to_bytes()))
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

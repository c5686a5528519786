//! Asks the service without a socket, and holds each answer against the documents.

use std::collections::{BTreeMap, BTreeSet};

use convor::Chat;
use convor::domain::Origin;
use convor_hyper::ChatService;
use convor_tests::host::{Ask, DASHBOARD};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower_service::Service;

use crate::documents::{Documents, Eyes, escaped};

/// Headers that stand in the document's description, because every answer has them, or every one to a page.
const EVERYWHERE: [&str; 9] = [
    "access-control-allow-credentials",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "cache-control",
    "content-security-policy",
    "content-type",
    "referrer-policy",
    "vary",
    "x-content-type-options",
];

/// A service that is asked, and what of the documents its answers have shown.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) documents: Documents,
    pub(crate) service: ChatService,
    /// Path, method and status of every answer.
    pub(crate) seen: BTreeSet<(String, String, u16)>,
    /// The codes of every refusal.
    pub(crate) codes: BTreeSet<String>,
}

/// An answer that is as documented.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Api {
    pub(crate) fn new(chat: &Chat) -> Self {
        let dashboard = Origin::parse(DASHBOARD).expect("an origin");
        let service = ChatService::builder(chat.clone()).dashboard_origins([dashboard]).build();
        Self { documents: Documents::read(), service, seen: BTreeSet::new(), codes: BTreeSet::new() }
    }

    /// Asks something that is answered with this status, as the documents say both.
    pub(crate) async fn expect(&mut self, status: u16, ask: Ask) -> Answer {
        let asked = format!("{} {}", ask.method, ask.target);
        let answer = self.ask(ask).await;
        assert_eq!(answer.status, status, "{asked}: {:#}", answer.body);
        answer
    }

    /// Asks something that is refused with this status and code.
    pub(crate) async fn refuse(&mut self, status: u16, code: &str, ask: Ask) -> Answer {
        let answer = self.expect(status, ask).await;
        assert_eq!(answer.body["code"], code);
        answer
    }

    /// Asks, and fails unless the answer is as documented; and if it is no refusal, the question, too.
    pub(crate) async fn ask(&mut self, ask: Ask) -> Answer {
        let mut request = Request::builder().method(ask.method.clone()).uri(&ask.target);
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(ask.body.clone())).expect("a request");
        let answer = self.send(request).await;
        if answer.status < 300 {
            self.check_question(&ask);
        }
        answer
    }

    /// Sends a request as it is, and fails unless the answer is as documented.
    pub(crate) async fn send<B>(&mut self, request: Request<B>) -> Answer
    where
        B: http_body::Body + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (path, method) = (request.uri().path().to_owned(), request.method().as_str().to_lowercase());
        let eyes = eyes(request.headers());
        let response = self.service.call(request).await.expect("an answer");
        let answer = Answer::read(response).await;
        let template = self.template(&path, &method);
        let documented = self.documented(template.as_deref(), &method, answer.status);
        self.check_answer(eyes, &documented, &answer);
        self.seen.insert((template.unwrap_or_default(), method, answer.status));
        self.codes.extend(answer.body["code"].as_str().map(str::to_owned));
        answer
    }

    /// The documented path that a path is one of, if the method can be asked for there.
    fn template(&self, path: &str, method: &str) -> Option<String> {
        let paths = self.documents.openapi["paths"].as_object().expect("paths");
        let is_one = |template: &str| {
            let (one, other) = (template.split('/'), path.split('/'));
            template.split('/').count() == path.split('/').count()
                && one.zip(other).all(|(one, other)| one == other || one.starts_with('{'))
        };
        // A path without a variable goes before one with.
        let found =
            paths.keys().filter(|template| is_one(template)).min_by_key(|template| template.contains('{'))?;
        paths[found].get(method).map(|_| found.clone())
    }

    /// Where it stands how such a question is answered with this status.
    fn documented(&self, template: Option<&str>, method: &str, status: u16) -> String {
        match template {
            Some(path) => {
                let pointer = format!("/paths/{}/{method}/responses/{status}", escaped(path));
                let found = self.documents.resolve(&pointer);
                found.unwrap_or_else(|| panic!("{method} {path}: {status} is not documented"))
            }
            None => match status {
                404 => "/components/responses/NotFound".to_owned(),
                405 => "/components/responses/MethodNotAllowed".to_owned(),
                _ => panic!("{status} is not documented for what is not there"),
            },
        }
    }

    fn check_answer(&self, eyes: Eyes, documented: &str, answer: &Answer) {
        let response = self.documents.openapi.pointer(documented).expect("a response").clone();
        let headers = response["headers"].as_object().expect("headers");
        for name in answer.headers.keys().filter(|name| !EVERYWHERE.contains(&name.as_str())) {
            assert!(headers.contains_key(name), "{documented}: the header {name} is not documented");
        }
        for name in headers.keys() {
            let pointer = format!("{documented}/headers/{name}");
            let pointer = self.documents.resolve(&pointer).expect("a header");
            match answer.headers.get(name) {
                Some(value) => {
                    self.documents.check(eyes, "openapi.json", &format!("{pointer}/schema"), &typed(value))
                }
                None => {
                    let required = self.documents.openapi.pointer(&format!("{pointer}/required"));
                    assert_ne!(required, Some(&json!(true)), "{documented}: the header {name} is missing");
                }
            }
        }
        match response.get("content").and_then(Value::as_object) {
            Some(content) => {
                let kind = answer.headers.get("content-type").expect("a type");
                assert!(content.contains_key(kind), "{documented}: {kind} is not documented");
                let pointer = format!("{documented}/content/{}/schema", escaped(kind));
                self.documents.check(eyes, "openapi.json", &pointer, &answer.body);
            }
            None => assert_eq!(answer.body, Value::Null, "{documented} has no body"),
        }
    }

    /// Fails unless a question that was answered is as documented: its query, its body, and the headers that it needs.
    fn check_question(&self, ask: &Ask) {
        let (path, query) = ask.target.split_once('?').unwrap_or((&ask.target, ""));
        let method = ask.method.as_str().to_lowercase();
        let template = self.template(path, &method).expect("a documented path");
        let operation = format!("/paths/{}/{method}", escaped(&template));
        let parameters = self.parameters(&template, &operation);
        let given = query.split('&').filter_map(|pair| pair.split_once('='));
        let given = given.map(|(name, value)| ("query", name, value));
        let headers = ask.headers.iter().map(|(name, value)| ("header", *name, value.as_str()));
        let mut needed: BTreeSet<_> =
            parameters.iter().filter(|(_, (_, required))| *required).map(|(key, _)| key.clone()).collect();
        for (place, name, value) in given.chain(headers) {
            let key = (place.to_owned(), name.to_owned());
            match parameters.get(&key) {
                Some((pointer, _)) => {
                    self.documents.check(Eyes::Staff, "openapi.json", pointer, &typed(value))
                }
                None => assert_eq!(place, "header", "{operation} has no {name}"),
            }
            needed.remove(&key);
        }
        assert!(needed.iter().all(|(place, _)| place == "path"), "{operation} needs {needed:?}");
        let schema = format!("{operation}/requestBody/content/application~1json/schema");
        if self.documents.openapi.pointer(&schema).is_some() {
            let body = serde_json::from_slice(&ask.body).expect("JSON");
            self.documents.check(Eyes::Staff, "openapi.json", &schema, &body);
        } else {
            assert!(ask.body.is_empty(), "{operation} takes no body");
        }
    }

    /// Place and name of each parameter, with where its schema stands and whether it is needed.
    fn parameters(&self, template: &str, operation: &str) -> BTreeMap<(String, String), (String, bool)> {
        let mut found = BTreeMap::new();
        for list in [format!("/paths/{}/parameters", escaped(template)), format!("{operation}/parameters")] {
            let length = self.documents.openapi.pointer(&list).and_then(Value::as_array).map_or(0, Vec::len);
            for index in 0..length {
                let pointer = self.documents.resolve(&format!("{list}/{index}")).expect("a parameter");
                let parameter = self.documents.openapi.pointer(&pointer).expect("a parameter");
                let text = |key: &str| parameter[key].as_str().expect("a text").to_owned();
                let required = parameter["required"] == true;
                found.insert((text("in"), text("name")), (format!("{pointer}/schema"), required));
            }
        }
        found
    }
}

impl Answer {
    async fn read(response: Response<convor_hyper::Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let header = |value: &http::HeaderValue| value.to_str().expect("a text").to_owned();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().map(|(name, value)| (name.to_string(), header(value))).collect(),
            body: if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("JSON") },
        }
    }
}

/// For whose eyes the answer is.
fn eyes(headers: &HeaderMap) -> Eyes {
    let bearer =
        headers.get("authorization").is_some_and(|value| value.as_bytes().starts_with(b"Bearer cvs_"));
    if bearer || headers.contains_key("cookie") { Eyes::Staff } else { Eyes::Visitor }
}

/// What a text stands for in a header or a query: a number, if it is nothing but that.
fn typed(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number))
}

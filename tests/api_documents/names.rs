//! The documents name all that there is, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use convor_hyper::{Access, Route, routes};
use http::Method;
use serde_json::{Value, json};

use crate::documents::{Documents, escaped};
use crate::source;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

#[test]
fn every_route_is_documented_and_nothing_else() {
    let documents = Documents::read();
    let there: BTreeSet<_> = routes().map(|route| (route.path().to_owned(), method(route))).collect();
    let documented: BTreeSet<_> = operations(&documents).into_keys().collect();
    assert_eq!(there, documented);
}

#[test]
fn a_documented_operation_names_who_may_ask() {
    let documents = Documents::read();
    let operations = operations(&documents);
    for route in routes() {
        let cookie = if *route.method() == Method::GET {
            json!({"session_cookie": []})
        } else {
            json!({"session_cookie": [], "csrf_token": []})
        };
        let (visitor, session) = (json!({"visitor_token": []}), json!({"session_token": []}));
        let expected = match route.access() {
            Access::Public => json!([]),
            Access::Visitor => json!([visitor]),
            Access::Operator => json!([session, cookie]),
            Access::Member => json!([visitor, session, cookie]),
            Access::Hello => json!([{}, cookie]),
            _ => panic!("{route:?} is for somebody new"),
        };
        assert_eq!(operations[&(route.path().to_owned(), method(route))]["security"], expected, "{route:?}");
    }
}

#[test]
fn every_operation_takes_a_request_id_and_a_site_and_has_a_name_of_its_own() {
    let documents = Documents::read();
    let mut names = BTreeSet::new();
    for ((path, method), operation) in operations(&documents) {
        let shared = documents.openapi["paths"][&path]["parameters"].as_array();
        let own = operation["parameters"].as_array();
        let parameters: Vec<_> = shared.into_iter().chain(own).flatten().collect();
        let names_one = |component: &str| {
            parameters.iter().any(|one| one["$ref"] == format!("#/components/parameters/{component}"))
        };
        assert!(names_one("RequestId"), "{method} {path}");
        assert!(names_one("Site") || parameters.iter().any(|one| one["name"] == "site"), "{method} {path}");
        assert!(names.insert(operation["operationId"].to_string()), "{method} {path}");
    }
}

#[test]
fn every_code_of_a_problem_is_documented_and_nothing_else() {
    let documents = Documents::read();
    let core = source::codes(source::part(source::ERROR, "fn code(", "\n    }"));
    let http = source::codes(source::part(source::PROBLEM, "fn describe(", "\n    }"));
    // Over HTTP, what a deployment does not do is not there.
    let problems = core.iter().filter(|code| *code != "unsupported").cloned().chain(http).collect();
    let documented =
        words(&documents.openapi["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]);
    assert_eq!(documented, problems);
    assert_eq!(words(&documents.asyncapi["components"]["schemas"]["Code"]["enum"]), core);

    let responses = documents.openapi["components"]["responses"].as_object().expect("responses");
    let of_problems = responses.values().filter_map(|response| {
        let code = &response["content"]["application/problem+json"]["schema"]["properties"]["code"];
        code.get("enum").map(words).or_else(|| Some(words(&json!([code.get("const")?]))))
    });
    assert_eq!(of_problems.flatten().collect::<BTreeSet<_>>(), documented, "each has its status");
}

#[test]
fn every_refusal_stands_under_its_status() {
    let documents = Documents::read();
    for ((path, method), operation) in operations(&documents) {
        for status in operation["responses"].as_object().expect("responses").keys() {
            let pointer = format!("/paths/{}/{method}/responses/{status}", escaped(&path));
            let pointer = documents.resolve(&pointer).expect("a response");
            let content = &documents.openapi.pointer(&pointer).expect("a response")["content"];
            let said = &content["application/problem+json"]["schema"]["properties"]["status"]["const"];
            let expected = status.parse::<u64>().ok().filter(|status| *status >= 400);
            assert_eq!(said.as_u64(), expected, "{method} {path}");
        }
    }
}

#[test]
fn every_frame_is_documented_and_nothing_else() {
    let documents = Documents::read();
    let mut client = source::variants(source::FRAME, "pub enum ClientFrame {");
    assert!(client.remove("unknown"), "what stands for all that is not known");
    let server = source::variants(source::FRAME, "pub enum ServerFrame<'a> {");
    let documented = |side: &str| -> BTreeSet<String> {
        let messages = documents.asyncapi["components"]["messages"].as_object().expect("messages");
        messages.keys().filter_map(|name| Some(name.strip_prefix(side)?.to_owned())).collect()
    };
    assert_eq!((documented("client."), documented("server.")), (client, server));
}

#[test]
fn every_frame_stands_in_the_channel_and_in_an_operation() {
    let documents = Documents::read();
    let messages = documents.asyncapi["components"]["messages"].as_object().expect("messages");
    let channel = documents.asyncapi["channels"]["socket"]["messages"].as_object().expect("messages");
    assert!(messages.keys().eq(channel.keys()));
    let operations = documents.asyncapi["operations"].as_object().expect("operations");
    let mut used = BTreeMap::<&str, BTreeSet<String>>::new();
    for operation in operations.values() {
        let action = operation["action"].as_str().expect("an action");
        for (action, messages) in
            [(action, &operation["messages"]), ("send", &operation["reply"]["messages"])]
        {
            let names =
                messages.as_array().into_iter().flatten().filter_map(|message| message["$ref"].as_str());
            let names = names.filter_map(|name| name.rsplit('/').next()).map(str::to_owned);
            used.entry(action).or_default().extend(names);
        }
    }
    for name in messages.keys() {
        let action = if name.starts_with("client.") { "receive" } else { "send" };
        assert!(used.get_mut(action).is_some_and(|names| names.remove(name)), "{name}");
    }
    assert!(used.values().all(BTreeSet::is_empty), "{used:?}");
}

#[test]
fn every_close_code_is_documented_and_nothing_else() {
    let documents = Documents::read();
    let there = source::numbers(source::part(source::TRANSPORT, "fn code(", "\n    }"));
    let listed = documents.asyncapi["channels"]["socket"]["x-close-codes"].as_array().expect("codes");
    let listed: BTreeSet<_> = listed.iter().filter_map(|close| close["code"].as_u64()).collect();
    // Those of RFC 6455 below it are what a transport answers to broken frames.
    let of_sessions: BTreeSet<_> =
        listed.iter().copied().filter(|code| ![1002, 1003, 1007, 1009].contains(code)).collect();
    assert_eq!(of_sessions, there);
    let closing = &documents.asyncapi["components"]["messages"]["server.closing"]["payload"]["properties"]["code"]
        ["enum"];
    let said: BTreeSet<_> = closing.as_array().expect("codes").iter().filter_map(Value::as_u64).collect();
    assert_eq!(said, there.into_iter().filter(|code| *code >= 4000).collect());
}

/// An undocumented key must fail, so no object may be open.
#[test]
fn every_object_is_closed() {
    fn open(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| open(value, at, found)),
            Value::Object(object) => {
                let is_object =
                    object.get("type").is_some_and(|kind| kind.to_string().contains("\"object\""));
                if is_object
                    && object.contains_key("properties")
                    && object.get("additionalProperties") != Some(&json!(false))
                {
                    found.push(at.to_owned());
                }
                object.iter().for_each(|(key, value)| open(value, &format!("{at}/{key}"), found));
            }
            _ => {}
        }
    }
    let documents = Documents::read();
    let mut found = Vec::new();
    open(&documents.openapi, "openapi.json#", &mut found);
    open(&documents.asyncapi["components"], "asyncapi.json#/components", &mut found);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_schema_is_one_of_draft_2020_12() {
    let documents = Documents::read();
    let schemas = |document: &Value| document["components"]["schemas"].as_object().expect("schemas").clone();
    for (name, schema) in schemas(&documents.openapi).into_iter().chain(schemas(&documents.asyncapi)) {
        if let Err(error) = jsonschema::draft202012::meta::validate(&schema) {
            panic!("{name}: {error}");
        }
    }
}

/// What can be asked for, by path and method.
pub(crate) fn operations(documents: &Documents) -> BTreeMap<(String, String), &Value> {
    let paths = documents.openapi["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        let of_path = item.as_object().into_iter().flatten();
        let of_path = of_path.filter(|(key, _)| METHODS.contains(&key.as_str()));
        of_path.map(move |(method, operation)| ((path.clone(), method.clone()), operation))
    });
    operations.collect()
}

fn method(route: &Route) -> String {
    route.method().as_str().to_lowercase()
}

fn words(list: &Value) -> BTreeSet<String> {
    let words = list.as_array().expect("a list").iter().filter_map(Value::as_str);
    words.map(str::to_owned).collect()
}

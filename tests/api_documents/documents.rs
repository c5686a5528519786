//! The two documents, and whether something is as they say.

use jsonschema::Registry;
use serde_json::{Value, json};

/// Where the documents would lie; they refer to each other by their names.
const BASE: &str = "https://chat.example.org/v1/";

pub(crate) const OPENAPI: &str = include_str!("../../convor-hyper/api/openapi.json");
pub(crate) const ASYNCAPI: &str = include_str!("../../convor-hyper/api/asyncapi.json");

/// For whose eyes something is: what it may hold depends on that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eyes {
    Visitor,
    Staff,
}

/// The two documents.
#[derive(Debug)]
pub(crate) struct Documents {
    pub(crate) openapi: Value,
    pub(crate) asyncapi: Value,
    for_visitors: Registry<'static>,
    for_staff: Registry<'static>,
}

impl Documents {
    pub(crate) fn read() -> Self {
        let (openapi, asyncapi) = (parse(OPENAPI), parse(ASYNCAPI));
        let registry = |others: &str| {
            let (mut openapi, mut asyncapi) = (openapi.clone(), asyncapi.clone());
            without(&mut openapi, others);
            without(&mut asyncapi, others);
            let registry = Registry::new().add(format!("{BASE}openapi.json"), openapi).expect("a resource");
            let registry = registry.add(format!("{BASE}asyncapi.json"), asyncapi).expect("a resource");
            registry.prepare().expect("every reference leads somewhere")
        };
        let (for_visitors, for_staff) = (registry("AsStaff"), registry("AsVisitor"));
        Self { openapi, asyncapi, for_visitors, for_staff }
    }

    /// Fails unless `value` is as the schema says that stands in a document at `pointer`.
    pub(crate) fn check(&self, eyes: Eyes, document: &str, pointer: &str, value: &Value) {
        let findings = self.findings(eyes, document, pointer, value);
        assert!(findings.is_empty(), "not as in {document}#{pointer}: {findings:#?}\n{value:#}");
    }

    /// What of `value` is not as the schema says.
    pub(crate) fn findings(&self, eyes: Eyes, document: &str, pointer: &str, value: &Value) -> Vec<String> {
        let registry = match eyes {
            Eyes::Visitor => &self.for_visitors,
            Eyes::Staff => &self.for_staff,
        };
        // A fragment of a URI has no braces (RFC 3986, 3.5).
        let fragment = pointer.replace('{', "%7B").replace('}', "%7D");
        let schema = json!({"$ref": format!("{BASE}{document}#{fragment}")});
        let validator = jsonschema::options().offline().with_registry(registry).build(&schema);
        let validator =
            validator.unwrap_or_else(|error| panic!("{document}#{pointer} is no schema: {error}"));
        let findings = validator.iter_errors(value);
        findings.map(|finding| format!("{}: {finding}", finding.instance_path())).collect()
    }

    /// Where in the OpenAPI document something stands that stands at `pointer` or is referred to there.
    pub(crate) fn resolve(&self, pointer: &str) -> Option<String> {
        match self.openapi.pointer(pointer)?.get("$ref").and_then(Value::as_str) {
            Some(reference) => Some(reference.strip_prefix('#')?.to_owned()),
            None => Some(pointer.to_owned()),
        }
    }
}

/// A part of a pointer (RFC 6901).
pub(crate) fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

fn parse(document: &str) -> Value {
    serde_json::from_str(document).expect("a document is JSON")
}

/// Takes from every choice what is for others' eyes, so that nothing that is for them can pass.
fn without(value: &mut Value, others: &str) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| without(value, others)),
        Value::Object(object) => {
            if let Some(Value::Array(choices)) = object.get_mut("oneOf") {
                let is_theirs = |choice: &Value| {
                    choice.get("$ref").and_then(Value::as_str).is_some_and(|name| name.ends_with(others))
                };
                choices.retain(|choice| !is_theirs(choice));
            }
            object.values_mut().for_each(|value| without(value, others));
        }
        _ => {}
    }
}

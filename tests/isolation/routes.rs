//! Every route, asked by everybody whom it does not concern with every id that is none of theirs, answers as it answers
//! one that was made up.

use std::sync::Arc;

use convor::credentials::SiteKey;
use convor_hyper::routes;
use convor_tests::fixture::{PASSWORD, new_id};
use convor_tests::host::{Answer, Ask, DASHBOARD};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Outsider, World};

/// Puts an id into a request.
type Asking = Arc<dyn Fn(&str) -> Ask + Send + Sync>;

/// One way to put an id into a request.
struct Probe {
    /// Where the id goes.
    place: &'static str,
    /// What exists and is none of the asker's, and what does not exist, each with what it is.
    pairs: Vec<(&'static str, String, String)>,
    ask: Asking,
    /// Whether the right one has something to do for whoever owns it.
    works_for_owner: bool,
}

#[tokio::test]
async fn s01_s05_every_route_answers_an_id_of_somebody_elses_as_one_that_was_made_up() {
    let world = World::new().await;
    let before = world.truth().await;
    let (mut compared, mut asked) = (0, 0);
    for route in routes() {
        asked += 1;
        for outsider in world.outsiders() {
            for probe in probes(&world, route.method(), route.path(), outsider) {
                for (what, foreign, made_up) in &probe.pairs {
                    let theirs = put(&world, &probe, foreign, outsider).await;
                    let nothing = put(&world, &probe, made_up, outsider).await;
                    let case = format!("{route:?}, {}, {what} in the {}", outsider.role, probe.place);
                    assert_eq!(theirs, nothing, "{case}");
                    assert!(theirs.status != 500, "{case}");
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(before, world.truth().await, "nothing has come of it");
    let roles = world.outsiders().len();
    println!("proof-columns: Isolation | what | how many | roles | answers compared, byte by byte");
    println!("proof: Isolation | routes | {asked} | {roles} | {compared}");
}

#[tokio::test]
async fn s01_what_the_matrix_asks_for_is_there_for_its_owner() {
    let world = World::new().await;
    let owner =
        Outsider { role: "owner", token: Some(&world.acme.owner), own: Some(&world.acme.conversation) };
    let mut found = 0;
    for route in routes() {
        for probe in
            probes(&world, route.method(), route.path(), owner).into_iter().filter(|p| p.works_for_owner)
        {
            let (what, own, made_up) = &probe.pairs[0];
            let ask = (probe.ask)(own).by(owner.token).header("if-match", world.acme.tag(&world.host).await);
            let theirs = world.host.ask(ask).await;
            assert_eq!(theirs.status / 100, 2, "{route:?}, {what} in the {}: {theirs:?}", probe.place);
            assert_ne!(theirs, put(&world, &probe, made_up, owner).await);
            found += 1;
        }
    }
    assert_eq!(found, 4, "the matrix looks at what there is");
}

async fn put(world: &World, probe: &Probe, id: &str, outsider: Outsider<'_>) -> Answer {
    let ask = (probe.ask)(id).header("if-match", world.bolt.tag(&world.host).await);
    let by_itself = ask.headers.iter().any(|(name, _)| matches!(*name, "authorization" | "cookie"));
    let ask = if by_itself { ask } else { ask.by(outsider.token) };
    let mut answer = world.host.ask(ask).await;
    // What a request has made of the asker's own differs each time.
    if answer.status == 201 {
        answer.body = masked(&answer.body).into();
        answer.headers.remove("etag");
    }
    answer
}

/// The ways to put an id into a request for this route.
fn probes(world: &World, method: &Method, path: &'static str, outsider: Outsider<'_>) -> Vec<Probe> {
    let mut probes = match (method.as_str(), path) {
        ("GET", "/v1/site") => {
            vec![Probe { ask: Arc::new(|key| Ask::get(format!("/v1/site?site={key}"))), ..site_keys(world) }]
        }
        ("POST", "/v1/visitors") => vec![Probe {
            ask: Arc::new(|key| Ask::post("/v1/visitors", &json!({"site": key}))),
            ..site_keys(world)
        }],
        ("POST", "/v1/sessions") => vec![tenant_keys(world)],
        ("POST", "/v1/conversations") => vec![client_ids(world, path.into(), |id| json!({"client_id": id}))],
        ("GET", "/v1/conversations") => {
            vec![
                ids(world, "query", |id| Ask::get(format!("/v1/conversations?assignee={id}"))),
                tokens(world, Ask::get(path)),
            ]
        }
        ("GET", "/v1/conversations/{id}" | "/v1/conversations/{id}/events") => {
            vec![ids(world, "path", move |id| Ask::get(path.replace("{id}", id))).for_owner()]
        }
        ("PATCH", "/v1/conversations/{id}") => {
            let change = move |id: &str| {
                Ask::new(Method::PATCH, path.replace("{id}", id)).json(&json!({"tags": ["seen"]}))
            };
            let own = path.replace("{id}", outsider.own.unwrap_or(&world.bolt.conversation));
            let assign = move |id: &str| Ask::new(Method::PATCH, own.clone()).json(&json!({"assignee": id}));
            vec![ids(world, "path", change).for_owner(), ids(world, "body", assign)]
        }
        ("POST", "/v1/conversations/{id}/messages") => {
            let message = |id: Uuid| json!({"client_id": id, "text": "hello"});
            let post = move |id: &str| Ask::post(path.replace("{id}", id), &message(new_id()));
            let own = path.replace("{id}", outsider.own.unwrap_or(&world.bolt.conversation));
            let mine = client_ids(world, own, |id| json!({"client_id": id, "text": "hello"}));
            vec![ids(world, "path", post).for_owner(), mine]
        }
        ("GET" | "PATCH", "/v1/visitor")
        | ("GET" | "DELETE", "/v1/sessions/current")
        | ("GET", "/v1/operators")
        | ("POST", "/v1/search") => {
            vec![tokens(world, Ask::new(method.clone(), path).json(&json!({})))]
        }
        ("GET", "/v1/socket") => vec![cookies(world)],
        ("GET", "/v1/openapi.json" | "/v1/asyncapi.json" | "/healthz" | "/readyz") => {
            vec![tokens(world, Ask::get(path))]
        }
        _ => panic!("{method} {path} is not in the matrix: say how an id could be put into it"),
    };
    if *method == Method::GET {
        let heads: Vec<_> = probes.iter().map(Probe::by_head).collect();
        probes.extend(heads);
    }
    probes
}

impl Probe {
    fn for_owner(self) -> Self {
        Self { works_for_owner: true, ..self }
    }

    /// The same, asked by `HEAD`.
    fn by_head(&self) -> Self {
        let ask = Arc::clone(&self.ask);
        let ask = Arc::new(move |id: &str| ask(id).method(Method::HEAD));
        Self { place: self.place, pairs: self.pairs.clone(), ask, works_for_owner: false }
    }
}

/// Ids of Acme's things, each beside one that was made up; and what is no id at all reads the same.
fn ids(world: &World, place: &'static str, ask: impl Fn(&str) -> Ask + Send + Sync + 'static) -> Probe {
    let mut pairs: Vec<_> =
        world.foreign_ids().into_iter().map(|(what, id)| (what, id, made_up().to_string())).collect();
    if place == "path" {
        pairs.push(("what is no id", "nonsense".into(), made_up().to_string()));
    }
    Probe { place, pairs, ask: Arc::new(ask), works_for_owner: false }
}

/// Site keys of which each half exists.
fn site_keys(world: &World) -> Probe {
    let (acme, bolt) = (&world.acme.tenant, &world.bolt.tenant);
    let key = |tenant: Uuid, site: Uuid| SiteKey::new(tenant.into(), site.into()).to_string();
    let mixed = key(acme.id.uuid(), bolt.site.id.uuid());
    let pairs = vec![
        ("the site of another tenant", mixed.clone(), key(acme.id.uuid(), made_up())),
        ("the site of another tenant", mixed, key(made_up(), made_up())),
    ];
    Probe { place: "site key", pairs, ask: Arc::new(|_| Ask::get("/")), works_for_owner: false }
}

/// The credentials of one of Acme's operators, at another tenant.
fn tenant_keys(world: &World) -> Probe {
    let sign_in = |key: &str| {
        let body = json!({"tenant": key, "email": "cleo@example.org", "password": format!("not {PASSWORD}")});
        Ask::post("/v1/sessions", &body)
    };
    let nowhere = convor::credentials::TenantKey::new(made_up().into()).to_string();
    let pairs = vec![("an operator's tenant", world.acme.key(), nowhere)];
    Probe { place: "tenant key", pairs, ask: Arc::new(sign_in), works_for_owner: false }
}

/// The `client_id` that Acme's visitor has used, used by somebody else.
fn client_ids(world: &World, path: String, body: impl Fn(&str) -> Value + Send + Sync + 'static) -> Probe {
    let pairs = vec![("somebody's client_id", world.acme.opened_with.clone(), made_up().to_string())];
    // Each asker may use it for one request of its own; another of the same is a repeat.
    let ask = move |id: &str| Ask::post(path.clone(), &body(id));
    Probe { place: "client_id", pairs, ask: Arc::new(ask), works_for_owner: false }
}

/// Tokens of Acme's people that claim to be of another tenant, beside tokens that were made up.
fn tokens(world: &World, ask: Ask) -> Probe {
    let ask = move |token: &str| ask.clone().by(Some(token));
    Probe { place: "token", pairs: swapped(world), ask: Arc::new(ask), works_for_owner: false }
}

/// The same as cookies, at the upgrade.
fn cookies(world: &World) -> Probe {
    let ask = |token: &str| {
        Ask::get("/v1/socket")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")
            .header("sec-websocket-protocol", "convor.v1")
            .header("origin", DASHBOARD)
            .header("cookie", format!("__Host-convor_session={token}"))
    };
    Probe { place: "cookie", pairs: swapped(world), ask: Arc::new(ask), works_for_owner: false }
}

fn swapped(world: &World) -> Vec<(&'static str, String, String)> {
    let (acme, bolt) = (world.acme.tenant.id.uuid(), world.bolt.tenant.id.uuid());
    let swap = |token: &str| token.replace(&acme.as_simple().to_string(), &bolt.as_simple().to_string());
    let made_up = |token: &str| {
        let (head, _) = token.rsplit_once('_').expect("a token");
        swap(&format!("{head}_{:064x}", 7))
    };
    [("a visitor's token", &world.acme.member), ("an operator's token", &world.acme.owner)]
        .into_iter()
        .map(|(what, token)| (what, swap(token), made_up(token)))
        .collect()
}

fn made_up() -> Uuid {
    new_id()
}

/// An answer without ids, times and numbers.
fn masked(body: &[u8]) -> String {
    fn mask(value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(mask),
            Value::Object(fields) => fields.values_mut().for_each(mask),
            Value::Number(_) => *value = 0.into(),
            Value::String(text) if Uuid::try_parse(text).is_ok() || text.ends_with('Z') => {
                *value = "…".into()
            }
            _ => {}
        }
    }
    let mut object = serde_json::from_slice(body).expect("JSON");
    mask(&mut object);
    object.to_string()
}

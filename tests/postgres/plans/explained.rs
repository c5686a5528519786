//! The plans that the server makes, as it tells them: `auto_explain` sends one for each statement, those in functions included.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use sqlx::PgConnection;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span, subscriber};

use crate::schema::run;

/// Has every connection to the database explain what it does, to whoever has sent it.
pub(super) async fn switch_on(superuser: &mut PgConnection, database: &str) {
    for (setting, value) in [
        ("session_preload_libraries", "auto_explain"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_nested_statements", "on"),
        ("auto_explain.log_format", "json"),
        ("auto_explain.log_analyze", "on"),
        ("auto_explain.log_timing", "off"),
        ("auto_explain.log_level", "notice"),
        ("client_min_messages", "notice"),
    ] {
        run(superuser, &format!("ALTER DATABASE {database} SET {setting} = '{value}'")).await;
    }
}

/// A plan, and what of it reads tables.
pub(super) struct Plan {
    pub(super) text: String,
    pub(super) nodes: Vec<Node>,
}

/// A node that reads a table.
pub(super) struct Node {
    pub(super) table: String,
    pub(super) kind: String,
    index: Option<String>,
    /// By what it finds its rows.
    pub(super) condition: String,
    /// How many it has found, those included that it has then passed over.
    pub(super) rows: f64,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.index {
            Some(index) => write!(f, "{} {index}", self.kind),
            None => write!(f, "{} {}", self.kind, self.table),
        }
    }
}

/// The plans that this thread is told.
pub(super) struct Plans {
    told: Arc<Mutex<Vec<String>>>,
    _guard: subscriber::DefaultGuard,
}

impl Plans {
    /// Listens until it is dropped. What runs on other threads is not heard.
    pub(super) fn listen() -> Self {
        let told = Arc::default();
        let _guard = subscriber::set_default(Listener(Arc::clone(&told)));
        Self { told, _guard }
    }

    /// The plans since the last look.
    pub(super) fn take(&self) -> Vec<Plan> {
        let told = std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner));
        told.into_iter().map(read).collect()
    }
}

fn read(text: String) -> Plan {
    let plan: Value = serde_json::from_str(&text).expect("a plan is JSON");
    let mut nodes = Vec::new();
    gather(&plan["Plan"], None, &mut nodes);
    Plan { text, nodes }
}

/// The nodes at and below this one. A bitmap's index stands below the table that is read by it.
fn gather(plan: &Value, table: Option<&str>, nodes: &mut Vec<Node>) {
    let string = |key: &str| plan[key].as_str().map(str::to_owned);
    let own = plan["Relation Name"].as_str();
    let index = string("Index Name");
    let kind = string("Node Type").expect("a node has a type");
    let is_bitmap_heap = kind == "Bitmap Heap Scan";
    if let Some(table) = own.or(table.filter(|_| index.is_some()))
        && kind.ends_with("Scan")
        && !is_bitmap_heap
    {
        let condition = string("Index Cond").unwrap_or_default();
        let number = |key: &str| plan[key].as_f64().unwrap_or(0.0);
        let rows = number("Actual Loops") * (number("Actual Rows") + number("Rows Removed by Filter"));
        nodes.push(Node { table: table.to_owned(), kind, index, condition, rows });
    }
    for below in plan["Plans"].as_array().into_iter().flatten() {
        gather(below, if is_bitmap_heap { own } else { table }, nodes);
    }
}

/// Keeps the plans among what the driver passes on of the server's notices.
struct Listener(Arc<Mutex<Vec<String>>>);

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::postgres::notice"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Message(&self.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Message<'m>(&'m Mutex<Vec<String>>);

impl Message<'_> {
    fn keep(&self, message: &str) {
        if let Some((_, plan)) = message.split_once("plan:\n") {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(plan.to_owned());
        }
    }
}

impl Visit for Message<'_> {
    fn record_str(&mut self, _: &Field, value: &str) {
        self.keep(value);
    }

    fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
        self.keep(&format!("{value:?}"));
    }
}

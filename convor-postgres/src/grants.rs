//! What the application's role may do with each table: what the functions do, and nothing else. The audit trail and the
//! control log, for one, are appended to and read, and never changed.

/// Each table, and the rights to it.
pub(crate) const GRANTS: &[(&str, &str)] = &[
    ("audit", "SELECT, INSERT"),
    ("control_events", "SELECT, INSERT"),
    ("conversation_tags", "SELECT, INSERT, UPDATE, DELETE"),
    ("conversations", "SELECT, INSERT, UPDATE, DELETE"),
    ("due_work", "SELECT, INSERT, UPDATE, DELETE"),
    ("events", "SELECT, INSERT, DELETE"),
    ("log_starts", "SELECT, INSERT, UPDATE, DELETE"),
    ("migrations", "SELECT"),
    ("notifications", "SELECT, INSERT, UPDATE, DELETE"),
    // Operators are locked, which takes the right to change a column, and never changed.
    ("operators", "SELECT, INSERT, UPDATE (id)"),
    ("pages", "SELECT, INSERT, UPDATE, DELETE"),
    ("passwords", "SELECT, INSERT, UPDATE"),
    ("profiles", "SELECT, INSERT"),
    ("reads", "SELECT, INSERT, UPDATE, DELETE"),
    ("removable_blobs", "SELECT, INSERT, DELETE"),
    ("sessions", "SELECT, INSERT, DELETE"),
    ("sites", "SELECT, INSERT"),
    ("tenants", "SELECT, INSERT, UPDATE"),
    ("unindexed", "SELECT, INSERT, DELETE"),
    ("uploads", "SELECT, INSERT, UPDATE, DELETE"),
    ("visitor_tokens", "SELECT, INSERT, DELETE"),
    ("visitors", "SELECT, INSERT, UPDATE, DELETE"),
    ("words", "SELECT, INSERT, DELETE"),
];

//! Who is connected to this node, and who is known to be connected to others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::config::Limits;
use crate::domain::Author;
use crate::hub::{Connection, lock};
use crate::ids::{ConnectionId, NodeId, SessionId, TenantId};
use crate::ports::Close;
use crate::time::Timestamp;

/// Who is connected.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    tenants: Mutex<HashMap<TenantId, Present>>,
}

/// Who of a tenant is connected.
#[derive(Debug, Default)]
struct Present {
    here: HashMap<Author, Vec<Arc<Connection>>>,
    connections: usize,
    operators_here: usize,
    inbox: Arc<Vec<Arc<Connection>>>,
    /// What other nodes have said, and until when it holds.
    elsewhere: HashMap<(Author, NodeId), Timestamp>,
    /// Up to where this node has obeyed the tenant's control log; `None` until it has asked.
    control: Option<u64>,
}

/// What a new connection means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Its principal was not here before.
    First,
    /// It was.
    Another,
    /// There are too many.
    Refused,
}

impl Roster {
    pub(crate) fn add(&self, connection: &Arc<Connection>, limits: &Limits) -> Arrival {
        let mut tenants = self.tenants();
        let present = tenants.entry(connection.principal().tenant()).or_default();
        if present.connections >= limits.connections_per_tenant_max {
            return Arrival::Refused;
        }
        let author = connection.author();
        let own = present.here.entry(author).or_default();
        if own.len() >= limits.connections_per_principal_max {
            return Arrival::Refused;
        }
        own.push(Arc::clone(connection));
        let first = own.len() == 1;
        present.connections += 1;
        if first && matches!(author, Author::Operator(_)) {
            present.operators_here += 1;
        }
        if first { Arrival::First } else { Arrival::Another }
    }

    /// Takes a connection out; answers whether its principal has gone with it.
    pub(crate) fn remove(&self, connection: &Arc<Connection>) -> bool {
        let tenant = connection.principal().tenant();
        let mut tenants = self.tenants();
        let Some(present) = tenants.get_mut(&tenant) else { return false };
        let author = connection.author();
        let Some(own) = present.here.get_mut(&author) else { return false };
        let before = own.len();
        own.retain(|other| other.id() != connection.id());
        present.connections -= before - own.len();
        let gone = own.is_empty();
        if gone {
            present.here.remove(&author);
            if matches!(author, Author::Operator(_)) {
                present.operators_here -= 1;
            }
        }
        present.leave_inbox(connection.id());
        if present.connections == 0 && present.elsewhere.is_empty() {
            tenants.remove(&tenant);
        }
        gone
    }

    pub(crate) fn listen_to_inbox(&self, connection: &Arc<Connection>) {
        if let Some(present) = self.tenants().get_mut(&connection.principal().tenant()) {
            present.leave_inbox(connection.id());
            let mut listeners = Vec::clone(&present.inbox);
            listeners.push(Arc::clone(connection));
            present.inbox = Arc::new(listeners);
        }
    }

    pub(crate) fn leave_inbox(&self, connection: &Connection) {
        if let Some(present) = self.tenants().get_mut(&connection.principal().tenant()) {
            present.leave_inbox(connection.id());
        }
    }

    /// Who listens to the tenant's inbox.
    pub(crate) fn inbox(&self, tenant: TenantId) -> Arc<Vec<Arc<Connection>>> {
        self.tenants().get(&tenant).map(|present| Arc::clone(&present.inbox)).unwrap_or_default()
    }

    /// The connections of one principal.
    pub(crate) fn of(&self, tenant: TenantId, author: Author) -> Vec<Arc<Connection>> {
        self.tenants().get(&tenant).and_then(|present| present.here.get(&author).cloned()).unwrap_or_default()
    }

    /// The connections of all visitors of a tenant.
    pub(crate) fn visitors(&self, tenant: TenantId) -> Vec<Arc<Connection>> {
        let tenants = self.tenants();
        let here = tenants.get(&tenant).map(|present| &present.here);
        let visitors = here.into_iter().flatten().filter(|(author, _)| matches!(author, Author::Visitor(_)));
        visitors.flat_map(|(_, connections)| connections.iter().cloned()).collect()
    }

    /// All connections of a tenant, or of all tenants.
    pub(crate) fn all(&self, tenant: Option<TenantId>) -> Vec<Arc<Connection>> {
        let tenants = self.tenants();
        let wanted = tenants.iter().filter(|(id, _)| tenant.is_none_or(|tenant| tenant == **id));
        wanted.flat_map(|(_, present)| present.here.values().flatten().cloned()).collect()
    }

    /// The principals that are connected here.
    pub(crate) fn principals(&self) -> Vec<(TenantId, Author)> {
        let tenants = self.tenants();
        tenants
            .iter()
            .flat_map(|(tenant, present)| present.here.keys().map(|author| (*tenant, *author)))
            .collect()
    }

    /// The tenants with connections here.
    pub(crate) fn tenants_here(&self) -> Vec<TenantId> {
        self.tenants()
            .iter()
            .filter(|(_, present)| present.connections > 0)
            .map(|(tenant, _)| *tenant)
            .collect()
    }

    /// Whether a principal is connected, to whichever node.
    pub(crate) fn is_online(&self, tenant: TenantId, author: Author) -> bool {
        self.tenants().get(&tenant).is_some_and(|present| {
            present.here.contains_key(&author) || present.elsewhere.keys().any(|(other, _)| *other == author)
        })
    }

    /// Whether any operator is connected, to whichever node.
    pub(crate) fn is_staffed(&self, tenant: TenantId) -> bool {
        self.tenants().get(&tenant).is_some_and(Present::is_staffed)
    }

    /// Notes what another node has said.
    pub(crate) fn note_elsewhere(
        &self,
        tenant: TenantId,
        author: Author,
        node: NodeId,
        until: Option<Timestamp>,
    ) {
        let mut tenants = self.tenants();
        match until {
            Some(until) => {
                tenants.entry(tenant).or_default().elsewhere.insert((author, node), until);
            }
            None => {
                if let Some(present) = tenants.get_mut(&tenant) {
                    present.elsewhere.remove(&(author, node));
                    if present.connections == 0 && present.elsewhere.is_empty() {
                        tenants.remove(&tenant);
                    }
                }
            }
        }
    }

    /// Forgets what other nodes have said and not repeated by `now`, or all that `node` has said; answers who is no longer
    /// known to be online.
    pub(crate) fn expire(&self, now: Timestamp, node: Option<NodeId>) -> Vec<(TenantId, Author)> {
        let mut gone = Vec::new();
        self.tenants().retain(|tenant, present| {
            let mut left = Vec::new();
            present.elsewhere.retain(|(author, other), until| {
                let holds = *until > now && Some(*other) != node;
                if !holds {
                    left.push(*author);
                }
                holds
            });
            for author in left {
                let online = present.here.contains_key(&author)
                    || present.elsewhere.keys().any(|(other, _)| *other == author);
                if !online {
                    gone.push((*tenant, author));
                }
            }
            present.connections > 0 || !present.elsewhere.is_empty()
        });
        gone
    }

    /// Closes all connections of a session.
    pub(crate) fn close_session(&self, tenant: TenantId, session: SessionId) {
        for connection in self.all(Some(tenant)) {
            if connection.session() == Some(session) {
                connection.close(Close::Revoked);
            }
        }
    }

    /// Up to where this node has obeyed the tenant's control log.
    pub(crate) fn control(&self, tenant: TenantId) -> Option<u64> {
        self.tenants().get(&tenant).and_then(|present| present.control)
    }

    /// Notes up to where this node has obeyed; it never moves back.
    pub(crate) fn obeyed(&self, tenant: TenantId, position: u64) {
        if let Some(present) = self.tenants().get_mut(&tenant) {
            present.control = Some(present.control.map_or(position, |before| before.max(position)));
        }
    }

    fn tenants(&self) -> MutexGuard<'_, HashMap<TenantId, Present>> {
        lock(&self.tenants)
    }
}

impl Present {
    fn leave_inbox(&mut self, connection: ConnectionId) {
        if self.inbox.iter().any(|listener| listener.id() == connection) {
            let rest = self.inbox.iter().filter(|listener| listener.id() != connection);
            self.inbox = Arc::new(rest.cloned().collect());
        }
    }

    fn is_staffed(&self) -> bool {
        self.operators_here > 0
            || self.elsewhere.keys().any(|(author, _)| matches!(author, Author::Operator(_)))
    }
}

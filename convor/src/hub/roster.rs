//! Who is connected to this node, and who is known to be connected to others.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::Limits;
use crate::domain::Author;
use crate::hub::{Connection, Part, Shards};
use crate::ids::{ConnectionId, NodeId, SessionId, TenantId};
use crate::ports::Close;
use crate::time::Timestamp;

/// Who is connected.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    tenants: Shards<TenantId, Present>,
}

/// Who of a tenant is connected.
#[derive(Debug, Default)]
struct Present {
    here: HashMap<Author, Vec<Arc<Connection>>>,
    connections: usize,
    operators_here: usize,
    /// Connections that a session may end.
    sessions_here: usize,
    /// Connections whose credential ends by itself.
    expiring: Vec<Arc<Connection>>,
    inbox: Arc<Vec<Arc<Connection>>>,
    /// What other nodes have said, and until when it holds.
    elsewhere: HashMap<Author, HashMap<NodeId, Timestamp>>,
    operators_elsewhere: usize,
    /// Whether visitors have been told that operators are there.
    staffed_told: bool,
    control: Control,
}

/// How far this node obeys a tenant's control log.
#[derive(Debug, Default)]
struct Control {
    /// Up to where it has obeyed; `None` until it has asked.
    position: Option<u64>,
    /// How many times in a row it could not ask.
    failures: u32,
}

/// What a new connection means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Its principal was not here before.
    First,
    /// It was.
    Another,
    /// Its principal has too many.
    Refused,
    /// Its tenant has too many on this node.
    Crowded,
}

impl Roster {
    /// Whether there is room for another connection of a principal; if not, why.
    pub(crate) fn room(&self, tenant: TenantId, author: Author, limits: &Limits) -> Result<(), Arrival> {
        let tenants = self.part(tenant);
        let Some(present) = tenants.get(&tenant) else { return Ok(()) };
        if present.connections >= room_for(author, limits) {
            return Err(Arrival::Crowded);
        }
        let own = present.here.get(&author).map_or(0, Vec::len);
        if own >= limits.connections_per_principal_max { Err(Arrival::Refused) } else { Ok(()) }
    }

    pub(crate) fn add(&self, connection: &Arc<Connection>, limits: &Limits) -> Arrival {
        let tenant = connection.principal().tenant();
        let mut tenants = self.part(tenant);
        let present = tenants.entry(tenant).or_default();
        let author = connection.author();
        if present.connections >= room_for(author, limits) {
            return Arrival::Crowded;
        }
        let own = present.here.entry(author).or_default();
        if own.len() >= limits.connections_per_principal_max {
            return Arrival::Refused;
        }
        own.push(Arc::clone(connection));
        let first = own.len() == 1;
        present.connections += 1;
        present.sessions_here += usize::from(connection.session().is_some());
        if connection.expires() {
            present.expiring.push(Arc::clone(connection));
        }
        if first && matches!(author, Author::Operator(_)) {
            present.operators_here += 1;
        }
        if first { Arrival::First } else { Arrival::Another }
    }

    /// Takes a connection out; answers whether its principal has gone with it.
    pub(crate) fn remove(&self, connection: &Arc<Connection>) -> bool {
        let tenant = connection.principal().tenant();
        let mut tenants = self.part(tenant);
        let Some(present) = tenants.get_mut(&tenant) else { return false };
        let author = connection.author();
        let Some(own) = present.here.get_mut(&author) else { return false };
        let before = own.len();
        own.retain(|other| other.id() != connection.id());
        let removed = before - own.len();
        present.connections -= removed;
        present.sessions_here -= removed * usize::from(connection.session().is_some());
        if present.sessions_here == 0 {
            // It is not read any more. The next session begins at its end.
            present.control = Control::default();
        }
        let gone = own.is_empty();
        if gone {
            present.here.remove(&author);
            if matches!(author, Author::Operator(_)) {
                present.operators_here -= 1;
            }
        }
        present.expiring.retain(|other| other.id() != connection.id());
        present.leave_inbox(connection.id());
        if present.is_empty() {
            tenants.remove(&tenant);
        }
        gone
    }

    pub(crate) fn listen_to_inbox(&self, connection: &Arc<Connection>) {
        let tenant = connection.principal().tenant();
        if let Some(present) = self.part(tenant).get_mut(&tenant) {
            present.leave_inbox(connection.id());
            let mut listeners = Vec::clone(&present.inbox);
            listeners.push(Arc::clone(connection));
            present.inbox = Arc::new(listeners);
        }
    }

    pub(crate) fn leave_inbox(&self, connection: &Connection) {
        let tenant = connection.principal().tenant();
        if let Some(present) = self.part(tenant).get_mut(&tenant) {
            present.leave_inbox(connection.id());
        }
    }

    /// Who listens to the tenant's inbox.
    pub(crate) fn inbox(&self, tenant: TenantId) -> Arc<Vec<Arc<Connection>>> {
        self.part(tenant).get(&tenant).map(|present| Arc::clone(&present.inbox)).unwrap_or_default()
    }

    /// The connections of one principal.
    pub(crate) fn of(&self, tenant: TenantId, author: Author) -> Vec<Arc<Connection>> {
        self.part(tenant)
            .get(&tenant)
            .and_then(|present| present.here.get(&author).cloned())
            .unwrap_or_default()
    }

    /// The connections of all visitors of a tenant.
    pub(crate) fn visitors(&self, tenant: TenantId) -> Vec<Arc<Connection>> {
        let tenants = self.part(tenant);
        let here = tenants.get(&tenant).map(|present| &present.here);
        let visitors = here.into_iter().flatten().filter(|(author, _)| matches!(author, Author::Visitor(_)));
        visitors.flat_map(|(_, connections)| connections.iter().cloned()).collect()
    }

    /// All connections of a tenant.
    pub(crate) fn all_of(&self, tenant: TenantId) -> Vec<Arc<Connection>> {
        self.part(tenant).get(&tenant).into_iter().flat_map(Present::connections).cloned().collect()
    }

    /// All connections.
    pub(crate) fn all(&self) -> Vec<Arc<Connection>> {
        self.of_each(|_, present, found| found.extend(present.connections().cloned()))
    }

    /// The principals that are connected here.
    pub(crate) fn principals(&self) -> Vec<(TenantId, Author)> {
        self.of_each(|tenant, present, found| {
            found.extend(present.here.keys().map(|author| (tenant, *author)))
        })
    }

    /// The tenants with connections here.
    pub(crate) fn tenants_here(&self) -> Vec<TenantId> {
        self.of_each(|tenant, present, found| found.extend((present.connections > 0).then_some(tenant)))
    }

    /// Whether a principal is connected to this node.
    pub(crate) fn is_here(&self, tenant: TenantId, author: Author) -> bool {
        self.part(tenant).get(&tenant).is_some_and(|present| present.here.contains_key(&author))
    }

    /// Whether a principal is connected, to whichever node.
    pub(crate) fn is_online(&self, tenant: TenantId, author: Author) -> bool {
        self.part(tenant).get(&tenant).is_some_and(|present| present.is_online(author))
    }

    /// Whether any operator is connected, to whichever node.
    pub(crate) fn is_staffed(&self, tenant: TenantId) -> bool {
        self.part(tenant).get(&tenant).is_some_and(Present::is_staffed)
    }

    /// Whether operators are there, if visitors have been told otherwise; from now on they have been told this.
    pub(crate) fn staffed_news(&self, tenant: TenantId) -> Option<bool> {
        let mut tenants = self.part(tenant);
        let present = tenants.get_mut(&tenant)?;
        let staffed = present.is_staffed();
        let news = staffed != present.staffed_told;
        present.staffed_told = staffed;
        news.then_some(staffed)
    }

    /// Notes what another node has said; answers whether it is news.
    pub(crate) fn note_elsewhere(
        &self,
        tenant: TenantId,
        author: Author,
        node: NodeId,
        until: Option<Timestamp>,
    ) -> bool {
        let mut tenants = self.part(tenant);
        let present = tenants.entry(tenant).or_default();
        let before = present.is_online(author);
        present.note_elsewhere(author, node, until);
        let news = before != present.is_online(author);
        if present.is_empty() {
            tenants.remove(&tenant);
        }
        news
    }

    /// Forgets what other nodes have said and not repeated by `now`, and all that `gone` has said; answers who is no longer
    /// known to be online.
    pub(crate) fn expire(&self, now: Timestamp, gone: Option<NodeId>) -> Vec<(TenantId, Author)> {
        let over = |node: NodeId, until: Timestamp| until <= now || Some(node) == gone;
        let mut offline = Vec::new();
        for mut tenants in self.tenants.each() {
            tenants.retain(|tenant, present| {
                let said = present.elsewhere.iter().flat_map(|(author, nodes)| {
                    nodes.iter().map(move |(node, until)| (*author, *node, *until))
                });
                let out: Vec<_> = said.filter(|(_, node, until)| over(*node, *until)).collect();
                for (author, node, _) in out {
                    present.note_elsewhere(author, node, None);
                    if !present.is_online(author) {
                        offline.push((*tenant, author));
                    }
                }
                !present.is_empty()
            });
        }
        offline
    }

    /// The connections whose credential has ended at `now`.
    pub(crate) fn expired(&self, now: Timestamp) -> Vec<Arc<Connection>> {
        self.of_each(|_, present, found| {
            let expired = present.expiring.iter().filter(|connection| connection.has_expired(now));
            found.extend(expired.cloned());
        })
    }

    /// Closes all connections of a session.
    pub(crate) fn close_session(&self, tenant: TenantId, session: SessionId) {
        for connection in self.all_of(tenant) {
            if connection.session() == Some(session) {
                connection.close(Close::Revoked);
            }
        }
    }

    /// The tenants whose control log may end connections that are here.
    pub(crate) fn tenants_to_confirm(&self) -> Vec<TenantId> {
        self.of_each(|tenant, present, found| found.extend((present.sessions_here > 0).then_some(tenant)))
    }

    /// Up to where this node has obeyed the tenant's control log.
    pub(crate) fn control(&self, tenant: TenantId) -> Option<u64> {
        self.part(tenant).get(&tenant).and_then(|present| present.control.position)
    }

    /// This node begins to obey the tenant's control log at `head`, unless it has begun already: answers from where it
    /// has to read on.
    pub(crate) fn begin_to_obey(&self, tenant: TenantId, head: u64) -> u64 {
        match self.part(tenant).get_mut(&tenant) {
            Some(present) => *present.control.position.get_or_insert(head),
            None => head,
        }
    }

    /// Notes up to where this node has obeyed; it never moves back.
    pub(crate) fn obeyed(&self, tenant: TenantId, position: u64) {
        if let Some(present) = self.part(tenant).get_mut(&tenant) {
            let control = &mut present.control;
            control.failures = 0;
            control.position = Some(control.position.map_or(position, |before| before.max(position)));
        }
    }

    /// Notes that the tenant's control log could not be read; answers how many times in a row that has been.
    pub(crate) fn could_not_obey(&self, tenant: TenantId) -> u32 {
        let mut tenants = self.part(tenant);
        let Some(present) = tenants.get_mut(&tenant) else { return 0 };
        present.control.failures = present.control.failures.saturating_add(1);
        present.control.failures
    }

    /// What is found of each tenant.
    fn of_each<T>(&self, find: impl Fn(TenantId, &Present, &mut Vec<T>)) -> Vec<T> {
        let mut found = Vec::new();
        for tenants in self.tenants.each() {
            tenants.iter().for_each(|(tenant, present)| find(*tenant, present, &mut found));
        }
        found
    }

    fn part(&self, tenant: TenantId) -> Part<'_, TenantId, Present> {
        self.tenants.of(&tenant)
    }
}

/// How many connections a tenant may have before this principal's is one too many. Visitors leave a tenth for those who
/// answer them.
fn room_for(author: Author, limits: &Limits) -> usize {
    let all = limits.connections_per_tenant_max;
    if matches!(author, Author::Visitor(_)) { all - all / 10 } else { all }
}

impl Present {
    fn connections(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.here.values().flatten()
    }

    fn leave_inbox(&mut self, connection: ConnectionId) {
        if self.inbox.iter().any(|listener| listener.id() == connection) {
            let rest = self.inbox.iter().filter(|listener| listener.id() != connection);
            self.inbox = Arc::new(rest.cloned().collect());
        }
    }

    fn is_online(&self, author: Author) -> bool {
        self.here.contains_key(&author) || self.elsewhere.contains_key(&author)
    }

    const fn is_staffed(&self) -> bool {
        self.operators_here > 0 || self.operators_elsewhere > 0
    }

    fn is_empty(&self) -> bool {
        self.connections == 0 && self.elsewhere.is_empty()
    }

    fn note_elsewhere(&mut self, author: Author, node: NodeId, until: Option<Timestamp>) {
        let before = self.elsewhere.contains_key(&author);
        if let Some(until) = until {
            self.elsewhere.entry(author).or_default().insert(node, until);
        } else if let Some(nodes) = self.elsewhere.get_mut(&author) {
            nodes.remove(&node);
            if nodes.is_empty() {
                self.elsewhere.remove(&author);
            }
        }
        if matches!(author, Author::Operator(_)) {
            match (before, self.elsewhere.contains_key(&author)) {
                (false, true) => self.operators_elsewhere += 1,
                (true, false) => self.operators_elsewhere -= 1,
                _ => {}
            }
        }
    }
}

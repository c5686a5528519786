//! What happens, over a WebSocket.

use convor::Error;
use convor::domain::Audience;
use convor::session::{Admits, Entrance};

use crate::call::Call;
use crate::origin::Standing;
use crate::peer::WhileConnected;
use crate::problem::Refusal;
use crate::reply::Reply;
use crate::socket::{Handshake, Socket};

/// `GET /v1/socket`
pub(super) async fn upgrade(mut call: Call) -> Result<Reply, Refusal> {
    if call.chat().is_draining() {
        return Err(Error::Unavailable.into());
    }
    let handshake = Handshake::of(&call.parts)?;
    let entrance = entrance(&call).await?;
    let limits = call.chat().limits();
    let (mut open, mut pending) = (None, None);
    if let Some(peer) = call.peer() {
        let full = || Error::RateLimited { retry_after: limits.hello_timeout };
        open = Some(call.service.open.take(peer, limits.connections_per_address_max).ok_or_else(full)?);
        let max = limits.connections_pending_per_address_max;
        pending = Some(call.service.pending.take(peer, max).ok_or_else(full)?);
    }
    let upgrade = handshake.upgrade(&mut call.parts)?;
    let sockets = &call.service.sockets;
    let kept = call.parts.extensions.remove::<WhileConnected>();
    let socket = Socket::new(call.chat(), sockets, entrance, (open, kept), pending);
    sockets.serve(socket, upgrade);
    Ok(handshake.reply())
}

/// For whom a connection is good, before it says `hello`.
async fn entrance(call: &Call) -> Result<Entrance, Refusal> {
    let mut entrance = Entrance::default();
    if let Some(site) = call.source.site {
        // A browser sends the operator's cookie along with the widget of a page on our own origin; it counts for nothing
        // there.
        entrance.admits = Admits::VisitorsOf(site);
        return Ok(entrance);
    }
    let cookie = call.service.cookie.find(&call.parts.headers)?;
    entrance.admits = match (call.source.standing, &cookie) {
        (Standing::Dashboard, _) => Admits::Operators,
        (Standing::Program, None) => Admits::Anyone,
        _ => return Err(Refusal::OriginForbidden),
    };
    if let Some(cookie) = cookie {
        let authenticated = call.chat().recognise(&cookie).await?;
        if authenticated.principal.audience() != Audience::Staff {
            return Err(Error::Unauthenticated.into());
        }
        call.chat().admit(&authenticated.principal)?;
        entrance.cookie = Some(cookie);
    }
    Ok(entrance)
}

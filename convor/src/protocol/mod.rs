//! The wire protocol, version 1, as `docs/protocol.md` describes it: pure types and their JSON.

mod codec;
#[cfg(test)]
mod debug;
mod frame;
mod object;
mod request;
#[cfg(test)]
mod snapshots;

pub(crate) use codec::is_reference;
pub use codec::{decode_body, decode_frame, encode};
pub use frame::{
    ClientFrame, Hello, Page, PrincipalObject, Read, Resume, Send, ServerFrame, Subscribe, Topic, Typing,
    Unsubscribe,
};
pub(crate) use object::operators_of;
pub use object::{
    AssigneeObject, AuthorObject, ConversationObject, EventObject, EventPageObject, FoundObject, ListObject,
    MessageObject, Names, OperatorObject, PageObject, PostedObject, SiteObject, VisitorObject,
};
pub use request::{
    ConversationRequest, FirstMessage, MessageRequest, OpenRequest, RegisterRequest, SearchRequest,
    VisitorRequest,
};
#[cfg(feature = "accounts")]
pub use request::{Presentation, SignInRequest};

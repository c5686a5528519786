//! Pure types, one concept a file. Content hides itself from `Debug`.

mod audit;
mod conversation;
mod event;
mod message;
mod operator;
mod outbox;
mod page;
mod principal;
mod site;
mod tenant;
mod text;
mod upload;
mod visitor;
mod word;

pub use audit::{AuditAction, AuditRecord};
pub use conversation::{Conversation, Heads, PerAudience, Status};
pub use event::{Event, EventKind, Position};
pub use message::{BodyDigest, Message, MessageKind};
pub use operator::{Operator, Role};
pub use outbox::{ControlEvent, Notification, OutboxEntry};
pub use page::CurrentPage;
pub use principal::{Audience, Author, Principal};
pub use site::{Color, Origin, Site};
pub use tenant::{TenantProfile, TenantRecord, TenantState};
pub use text::{Email, InvalidText, Text};
pub use upload::{Upload, UploadContent};
pub use visitor::Visitor;
pub use word::Word;

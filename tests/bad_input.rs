//! Whatever comes in, it gets its answer, the conversation goes on, and nothing is lost.

#[path = "bad_input/bytes.rs"]
mod bytes;
#[path = "bad_input/manners.rs"]
mod manners;
#[path = "bad_input/requests.rs"]
mod requests;
#[path = "bad_input/talk.rs"]
mod talk;
#[path = "bad_input/values.rs"]
mod values;

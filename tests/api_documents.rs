//! The documents of the API are true: they name all that there is and nothing else, and what the server says is what they
//! say.

#[path = "api_documents/answers.rs"]
mod answers;
#[path = "api_documents/api.rs"]
mod api;
#[path = "api_documents/documents.rs"]
mod documents;
#[path = "api_documents/frames.rs"]
mod frames;
#[path = "api_documents/line.rs"]
mod line;
#[path = "api_documents/names.rs"]
mod names;
#[path = "api_documents/refusals.rs"]
mod refusals;
#[path = "api_documents/source.rs"]
mod source;

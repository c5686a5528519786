//! A visitor and an operator in two windows of a real browser.

#[path = "browser/accessibility.rs"]
mod accessibility;
#[path = "browser/conversation.rs"]
mod conversation;
#[path = "browser/inert.rs"]
mod inert;
#[path = "browser/keyboard.rs"]
mod keyboard;
#[path = "browser/pictures.rs"]
mod pictures;
#[path = "browser/privacy.rs"]
mod privacy;

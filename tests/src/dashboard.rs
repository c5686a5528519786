//! An operator's window: the dashboard.

use crate::browser::Window;
use crate::server::AnnouncedOperator;

/// The operator's window.
#[derive(Debug)]
#[non_exhaustive]
pub struct Dashboard {
    /// In which it is.
    pub window: Window,
}

impl Dashboard {
    /// Loads the dashboard, which asks who is there.
    pub async fn load(window: Window, page: &str) -> Self {
        window.visit(page).await;
        window.find("sign-in-email").await;
        Self { window }
    }

    /// Signs in, and waits for the inbox.
    pub async fn sign_in(&self, operator: &AnnouncedOperator) {
        self.window.fill("sign-in-email", &operator.email).await;
        self.window.fill("sign-in-password", operator.password()).await;
        self.window.click("sign-in").await;
        self.until_connected().await;
    }

    /// Waits until what happens is shown as it happens.
    pub async fn until_connected(&self) {
        self.window.until_texts("connection", &["Connected"]).await;
    }

    /// Opens the conversation at the top of the inbox.
    pub async fn open_first(&self) {
        self.window.click("inbox-item").await;
        self.window.find("reply-composer").await;
    }

    /// Answers.
    pub async fn reply(&self, text: &str) {
        self.window.click("reply-switch").await;
        self.write(text).await;
    }

    /// Writes an internal note.
    pub async fn note(&self, text: &str) {
        self.window.click("note-switch").await;
        self.write(text).await;
    }

    async fn write(&self, text: &str) {
        self.window.fill("reply-composer", text).await;
        self.window.click("send-reply").await;
    }

    /// The texts of the messages, from the top, without notes.
    pub async fn messages(&self) -> Vec<String> {
        self.window.parts("message", ".bubble").await
    }

    /// Waits until these are the messages, each once and in this order, and nothing is on its way.
    pub async fn until_messages(&self, texts: &[&str]) {
        self.until_entries("message", texts).await;
    }

    /// Waits until these are the notes, each once and in this order, and nothing is on its way.
    pub async fn until_notes(&self, texts: &[&str]) {
        self.until_entries("note", texts).await;
    }

    async fn until_entries(&self, id: &str, texts: &[&str]) {
        let what = format!("these, all delivered, as {id}: {texts:?}");
        let is = async |window: &Window| {
            window.parts(id, ".bubble").await == texts
                && !window.parts(id, ".delivery").await.contains(&"Sending…".to_owned())
        };
        self.window.until(&what, is).await;
    }
}

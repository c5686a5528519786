//! The visitor's window: a page of a site, with the widget.

use crate::browser::Window;

/// The visitor's window.
#[derive(Debug)]
#[non_exhaustive]
pub struct Widget {
    /// In which it is.
    pub window: Window,
}

impl Widget {
    /// Loads a page with the widget, and leaves that closed.
    pub async fn load(window: Window, page: &str) -> Self {
        window.visit(page).await;
        window.find("launcher").await;
        Self { window }
    }

    /// Opens the chat.
    pub async fn open(&self) {
        self.window.click("launcher").await;
        self.window.find("composer").await;
    }

    /// Loads the page again, and opens the chat.
    pub async fn reload(&self) {
        self.window.reload().await;
        self.open().await;
    }

    /// Sends a message.
    pub async fn say(&self, text: &str) {
        self.window.fill("composer", text).await;
        self.window.click("send").await;
    }

    /// The texts of the messages, from the top.
    pub async fn messages(&self) -> Vec<String> {
        self.window.parts("message", ".bubble").await
    }

    /// Waits until these are the messages, each once and in this order, and nothing is on its way.
    pub async fn until_messages(&self, texts: &[&str]) {
        let what = format!("the messages {texts:?}, all delivered");
        let is = async |window: &Window| {
            window.parts("message", ".bubble").await == texts
                && !window.parts("message", ".delivery").await.contains(&"Sending…".to_owned())
        };
        self.window.until(&what, is).await;
    }
}

//! Everything that a journey through two browsers needs: a server, and a visitor and an operator who reach it through
//! proxies of their own.

use crate::browser::Window;
use crate::dashboard::Dashboard;
use crate::driver::Driver;
use crate::proxy::Proxy;
use crate::server::{AnnouncedOperator, AnnouncedTenant, Server};
use crate::widget::Widget;

/// A server and the ways to it. Fields are dropped in their order: the browsers end before what they talk to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stage {
    /// What starts the windows.
    pub driver: Driver,
    /// What lies between the visitor and the server.
    pub visitors_line: Proxy,
    /// What lies between the operator and the server.
    pub operators_line: Proxy,
    /// The server.
    pub server: Server,
}

impl Stage {
    /// A server with its demonstration, and the ways to it.
    pub async fn new() -> Self {
        let (visitors_line, operators_line) = (Proxy::bind().await, Proxy::bind().await);
        let server = Server::demo(&[visitors_line.origin(), operators_line.origin()]).await;
        visitors_line.lead_to(server.announced.listen);
        operators_line.lead_to(server.announced.listen);
        Self { driver: Driver::start().await, visitors_line, operators_line, server }
    }

    /// The organisation.
    #[must_use]
    pub fn tenant(&self) -> &AnnouncedTenant {
        self.server.tenant()
    }

    /// Who signs in.
    #[must_use]
    pub fn operator(&self) -> &AnnouncedOperator {
        self.tenant().operator("owner")
    }

    /// A visitor, whose chat is closed.
    pub async fn visitor(&self) -> Widget {
        let window = Window::open(&self.driver, "the visitor's window").await;
        Widget::load(window, &self.visitors_line.through(&self.tenant().visitor_page)).await
    }

    /// An operator, who has not signed in.
    pub async fn somebody(&self) -> Dashboard {
        let window = Window::open(&self.driver, "the operator's window").await;
        Dashboard::load(window, &self.operators_line.through(&self.tenant().dashboard)).await
    }

    /// An operator at work.
    pub async fn operator_at_work(&self) -> Dashboard {
        let dashboard = self.somebody().await;
        dashboard.sign_in(self.operator()).await;
        dashboard
    }

    /// A visitor who has asked, and an operator who looks at it.
    pub async fn conversation(&self, question: &str) -> (Widget, Dashboard) {
        let (visitor, operator) = (self.visitor().await, self.operator_at_work().await);
        visitor.open().await;
        visitor.say(question).await;
        operator.open_first().await;
        operator.until_messages(&[question]).await;
        visitor.until_messages(&[question]).await;
        (visitor, operator)
    }
}

//! A window of a real browser: what is shown in it, and what a person does in it.

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::{Element, ElementRef};
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

use crate::driver::Driver;
use crate::environment::{built, provided};
use crate::patience;

pub use fantoccini::key::Key;

/// CSS pixels below which a screen is a phone's.
const PHONE_WIDTH_MAX: u32 = 600;

/// Nothing that the browser asks for by itself may disturb what a test counts.
const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-search-engine-choice-screen",
    "--lang=en-GB",
];

/// Finds what is shown under a test id, in shadow trees too.
const FIND: &str = "
    const found = [];
    const search = (root) => {
        for (const element of root.querySelectorAll('*')) {
            if (element.dataset?.testid === arguments[0] && element.checkVisibility()) found.push(element);
            if (element.shadowRoot) search(element.shadowRoot);
        }
    };
    search(document);";

/// All text of the page, shadow trees included, and where the focus is.
const PAGE: &str = "
    const texts = [document.body?.innerText];
    for (const element of document.querySelectorAll('*')) {
        for (const child of element.shadowRoot?.children ?? []) texts.push(child.innerText);
    }
    return texts.join('\\n---\\n');";

/// Who has the focus: its test id, or else its tag and what it says.
const FOCUS: &str = "
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    if (!element || element === document.body) return '';
    return element.dataset.testid ?? `${element.localName} ${element.ariaLabel ?? element.innerText ?? ''}`.trim();";

/// Waits for what is moving to have moved: half-way, colours are not those that a person reads.
const REST: &str = "
    const done = arguments[arguments.length - 1];
    const roots = [document, ...[...document.querySelectorAll('*')].flatMap((element) => element.shadowRoot ?? [])];
    const moving = roots.flatMap((root) => root.getAnimations());
    const ending = moving.filter((animation) => animation.effect.getComputedTiming().endTime < Infinity);
    Promise.allSettled(ending.map((animation) => animation.finished)).then(() => done(true));";

/// The rules of WCAG 2.0 to 2.2, A and AA, and the best practices. The answer names each violation and its places.
const AXE: &str = "
    const done = arguments[arguments.length - 1];
    axe.run(document, { resultTypes: ['violations'] }).then(
        ({ violations, passes }) => done({
            passes: passes.length,
            violations: violations.map(({ id, help, nodes }) =>
                `${id}: ${help}: ${nodes.map((node) => node.target.flat().join(' ') + ' ' + node.failureSummary).join('; ')}`),
        }),
        (error) => done({ passes: 0, violations: [`${error}`] }),
    );";

/// What a console may say of a network that is cut, and of asking who has signed in where nobody has.
const EXPLAINED: [&str; 3] =
    ["net::ERR_", "WebSocket connection to", "/v1/sessions/current - Failed to load"];

/// A window with a browser profile of its own.
#[derive(Debug)]
pub struct Window {
    client: Client,
    name: &'static str,
}

/// How a person sees a page.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "tests build it")]
pub struct Screen {
    /// CSS pixels.
    pub width: u32,
    /// CSS pixels.
    pub height: u32,
    /// Whether the person prefers dark colours.
    pub dark: bool,
}

impl Window {
    /// A window; `name` is for what is said of it.
    pub async fn open(driver: &Driver, name: &'static str) -> Self {
        let profile = format!("--user-data-dir={}", driver.profile().display());
        let flags: Vec<_> = FLAGS.iter().copied().chain([profile.as_str()]).collect();
        let options = json!({"binary": provided("CONVOR_CHROMIUM"), "args": flags});
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".into(), options);
        capabilities.insert("goog:loggingPrefs".into(), json!({"browser": "ALL"}));
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&driver.url)
            .await
            .expect("a browser");
        let window = Self { client, name };
        let desktop = Screen { width: 1280, height: 800, dark: false };
        window.resize(desktop).await;
        window
    }

    /// Loads a page.
    pub async fn visit(&self, url: &str) {
        self.client.goto(url).await.expect("a page");
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        self.client.refresh().await.expect("the page again");
    }

    /// Runs a script in the page and returns what it returns.
    pub async fn run(&self, script: &str, arguments: &[Value]) -> Value {
        let outcome = self.client.execute(script, arguments.to_vec()).await;
        outcome.unwrap_or_else(|error| panic!("the script runs in {}: {error}", self.name))
    }

    /// What stands in each element that is shown under this test id.
    pub async fn texts(&self, id: &str) -> Vec<String> {
        let script =
            format!("{FIND} return found.map((element) => (element.value ?? element.innerText).trim());");
        let texts = self.run(&script, &[id.into()]).await;
        serde_json::from_value(texts).expect("texts")
    }

    /// What a person reads in this part of each such element, given as a CSS selector.
    pub async fn parts(&self, id: &str, part: &str) -> Vec<String> {
        let script = format!(
            "{FIND} return found.map((element) => element.querySelector(arguments[1])?.innerText ?? '');"
        );
        let texts = self.run(&script, &[id.into(), part.into()]).await;
        serde_json::from_value(texts).expect("texts")
    }

    /// The value of an attribute of the first such element.
    pub async fn attribute(&self, id: &str, name: &str) -> Option<String> {
        let script = format!("{FIND} return found[0]?.getAttribute(arguments[1]) ?? null;");
        let value = self.run(&script, &[id.into(), name.into()]).await;
        value.as_str().map(str::to_owned)
    }

    /// Whether there is such an element to see.
    pub async fn shows(&self, id: &str) -> bool {
        !self.texts(id).await.is_empty()
    }

    /// Waits until such an element is shown, and returns the first.
    pub async fn find(&self, id: &str) -> Element {
        let script = format!("{FIND} return found[0] ?? null;");
        let found = patience::look(async || {
            let found = self.run(&script, &[id.into()]).await;
            let reference = found.as_object()?.values().next()?.as_str()?.to_owned();
            Some(ElementRef::from(reference))
        });
        match found.await {
            Ok(reference) => Element::from_element_id(self.client.clone(), reference),
            Err(_) => self.fail(&format!("shows {id}")).await,
        }
    }

    /// Waits until it is so; `what` says what.
    pub async fn until(&self, what: &str, mut is: impl AsyncFnMut(&Self) -> bool) {
        if patience::look(async || is(self).await.then_some(())).await.is_err() {
            self.fail(what).await
        }
    }

    /// Waits until exactly these texts stand in the elements under a test id.
    pub async fn until_texts(&self, id: &str, texts: &[&str]) {
        let what = format!("{id} says {texts:?}");
        self.until(&what, async |window| window.texts(id).await == texts).await;
    }

    /// Clicks.
    pub async fn click(&self, id: &str) {
        let clicked = self.find(id).await.click().await;
        clicked.unwrap_or_else(|error| panic!("{id} can be clicked in {}: {error}", self.name));
    }

    /// Types into a field.
    pub async fn fill(&self, id: &str, text: &str) {
        let typed = self.find(id).await.send_keys(text).await;
        typed.unwrap_or_else(|error| panic!("{id} can be typed into in {}: {error}", self.name));
    }

    /// Puts a text into a field as a paste does, for texts that no keyboard types.
    pub async fn paste(&self, id: &str, text: &str) {
        self.find(id).await;
        let script = format!(
            "{FIND} found[0].focus(); found[0].value = arguments[1];
            found[0].dispatchEvent(new Event('input', {{ bubbles: true }}));"
        );
        self.run(&script, &[id.into(), text.into()]).await;
    }

    /// Presses keys one after the other, wherever the focus is.
    pub async fn press(&self, keys: &str) {
        let mut actions = KeyActions::new("keyboard".into());
        for value in keys.chars() {
            actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        }
        self.client.perform_actions(actions).await.expect("keys");
    }

    /// Presses a key while Shift is held down.
    pub async fn press_with_shift(&self, key: Key) {
        let (shift, value) = (char::from(Key::Shift), char::from(key));
        let actions = KeyActions::new("keyboard".into())
            .then(KeyAction::Down { value: shift })
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value })
            .then(KeyAction::Up { value: shift });
        self.client.perform_actions(actions).await.expect("keys");
    }

    /// Presses a key until the focus is there, as somebody without a mouse does. Says what it went past.
    pub async fn press_until(&self, key: Key, id: &str) -> Vec<String> {
        let mut passed = Vec::new();
        for _ in 0..60 {
            let focus = self.focus().await;
            if focus == id {
                return passed;
            }
            passed.push(focus);
            self.press(&char::from(key).to_string()).await;
        }
        panic!("{key:?} does not lead to {id} in {}, but to {passed:?}", self.name)
    }

    /// Who has the focus: its test id, or else its tag and what it says.
    pub async fn focus(&self) -> String {
        let focus = self.run(FOCUS, &[]).await;
        focus.as_str().unwrap_or_default().to_owned()
    }

    /// What a person could read on the whole page.
    pub async fn page_text(&self) -> String {
        let text = self.run(PAGE, &[]).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// What axe-core finds wrong with the page as it stands.
    pub async fn violations(&self) -> Vec<String> {
        let axe = std::fs::read_to_string(provided("CONVOR_AXE")).expect("axe-core");
        self.run(&format!("{axe}; return true;"), &[]).await;
        self.rest().await;
        let report = self.client.execute_async(AXE, Vec::new()).await.expect("a report");
        assert!(report["passes"].as_u64() > Some(0), "axe-core has looked at nothing: {report}");
        serde_json::from_value(report["violations"].clone()).expect("texts")
    }

    /// What has gone wrong according to the browser's console since this was last asked, but for what a network that is
    /// cut explains, and the answer to somebody who has not signed in.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.command("se/log", json!({"type": "browser"})).await;
        let entries = entries.as_array().cloned().unwrap_or_default();
        let severe =
            entries.into_iter().filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING");
        severe
            .filter_map(|entry| entry["message"].as_str().map(str::to_owned))
            .filter(|message| !EXPLAINED.iter().any(|explained| message.contains(explained)))
            .collect()
    }

    /// Sees the page as on such a screen.
    pub async fn resize(&self, screen: Screen) {
        let Screen { width, height, dark } = screen;
        let scheme = if dark { "dark" } else { "light" };
        let mobile = width < PHONE_WIDTH_MAX;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile});
        self.emulate("Emulation.setDeviceMetricsOverride", metrics).await;
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.emulate("Emulation.setEmulatedMedia", media).await;
    }

    /// Keeps a picture of the page among what is built.
    pub async fn picture(&self, name: &str) {
        self.rest().await;
        let picture = self.client.screenshot().await.expect("a picture");
        std::fs::write(built("screenshots").join(format!("{name}.png")), picture).expect("a file");
    }

    async fn rest(&self) {
        self.client.execute_async(REST, Vec::new()).await.expect("it comes to rest");
    }

    async fn emulate(&self, command: &str, parameters: Value) {
        self.command("goog/cdp/execute", json!({"cmd": command, "params": parameters})).await;
    }

    async fn command(&self, path: &'static str, body: Value) -> Value {
        let outcome = self.client.issue_cmd(Command { path, body }).await;
        outcome.unwrap_or_else(|error| panic!("{} takes {path}: {error}", self.name))
    }

    /// Ends the test with what the window shows.
    async fn fail(&self, what: &str) -> ! {
        self.picture(&format!("failed-{}", self.name)).await;
        let (text, complaints) = (self.page_text().await, self.complaints().await);
        panic!("in vain waited for this in {}: {what}\nit says {complaints:?} and shows:\n{text}", self.name)
    }
}

/// What ChromeDriver understands beyond the standard.
#[derive(Debug)]
struct Command {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Command {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

//! Text stays text.

use convor_tests::stage::Stage;
use serde_json::json;

/// Ways in which a text becomes a program where a page is careless (OWASP's cheat sheet on the evasion of filters).
const CORPUS: [&str; 16] = [
    "<script>window.__pwned = 1; alert(1)</script>",
    "<img src=x onerror=\"window.__pwned = 2; alert(2)\">",
    "<svg/onload=window.__pwned=3>",
    "\"><script>window.__pwned = 4</script>",
    "' onfocus='window.__pwned=5' autofocus='",
    "javascript:window.__pwned=6",
    "<iframe srcdoc=\"<script>parent.__pwned=7</script>\"></iframe>",
    "<a href=\"javascript:window.__pwned=8\">click</a>",
    "{{constructor.constructor('window.__pwned=9')()}}",
    "${window.__pwned=10}",
    "<details open ontoggle=window.__pwned=11>",
    "</textarea><script>window.__pwned=12</script>",
    "<math><mtext></p><style><!--</style><img title=\"--></style><img src onerror=window.__pwned=13>\">",
    "<template shadowrootmode=open><script>window.__pwned=14</script></template>",
    "&lt;script&gt;window.__pwned=15&lt;/script&gt;",
    "<input onfocus=window.__pwned=16 autofocus>",
];

/// Elements that neither page has of its own, in shadow trees too.
const STRANGE: &str = "
    const roots = [document, ...[...document.querySelectorAll('*')].flatMap((element) => element.shadowRoot ?? [])];
    const strange = 'script:not([src]), iframe, object, embed, math, template, img, b, [onerror], [onload], [onfocus]';
    return roots.flatMap((root) => [...root.querySelectorAll(strange)].map((element) => element.outerHTML));";

/// Moves to another part of the page under this title. The page names itself at each move; whoever listens later has the
/// last word.
const MOVE: &str = "
    const [title] = arguments;
    addEventListener('hashchange', () => { document.title = title; }, { once: true });
    location.hash = `#${encodeURIComponent(title)}`;";

/// Opens a conversation in the visitor's name.
const OPEN_WITH_SUBJECT: &str = "
    const [subject] = arguments;
    const [token] = JSON.stringify(localStorage).match(/cvv_\\w+/);
    const client_id = crypto.randomUUID();
    const body = JSON.stringify({ client_id, subject, first_message: { client_id, text: subject } });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    return fetch('/chat/v1/conversations', { method: 'POST', headers, body }).then((answer) => answer.status);";

#[tokio::test(flavor = "multi_thread")]
async fn s34_what_visitors_and_operators_write_is_inert_in_both_pages() {
    let stage = Stage::new().await;
    let (visitor, operator) = stage.conversation("hello").await;
    let (seen, desk) = (&visitor.window, &operator.window);

    let mut said = vec!["hello"];
    for (number, text) in CORPUS.into_iter().enumerate() {
        let (window, composer, send) = match number % 2 {
            0 => (seen, "composer", "send"),
            _ => (desk, "reply-composer", "send-reply"),
        };
        window.paste(composer, text).await;
        window.click(send).await;
        said.push(text);
        visitor.until_messages(&said).await;
        operator.until_messages(&said).await;
    }

    for text in &CORPUS[..4] {
        seen.run(MOVE, &[json!(text)]).await;
        let shown = async |desk: &convor_tests::browser::Window| {
            desk.texts("current-page").await.concat().contains(text)
        };
        desk.until("the title stands there as text", shown).await;
    }

    seen.click("introduce").await;
    for text in &CORPUS[..3] {
        seen.paste("visitor-name", text).await;
        seen.click("visitor-save").await;
        let shown = async |desk: &convor_tests::browser::Window| desk.texts("visitor-name").await == [*text];
        desk.until("the name stands there as text", shown).await;
        seen.click("introduce").await;
    }

    for text in [CORPUS[2], CORPUS[9], CORPUS[10], "<b onmouseover=__pwned=17>tag</b>"] {
        desk.paste("tag-input", text).await;
        desk.press_until(convor_tests::browser::Key::Tab, "tag-input").await;
        desk.press(&char::from(convor_tests::browser::Key::Enter).to_string()).await;
        let shown =
            async |desk: &convor_tests::browser::Window| desk.texts("tags").await.concat().contains(text);
        desk.until("the tag stands there as text", shown).await;
    }

    visitor.reload().await;
    visitor.until_messages(&said).await;
    desk.reload().await;
    operator.until_messages(&said).await;
    // The widget gives a conversation no subject; another program may.
    assert_eq!(seen.run(OPEN_WITH_SUBJECT, &[json!(CORPUS[1])]).await, 201);
    desk.until("the second conversation", async |desk| desk.texts("inbox-item").await.len() == 2).await;
    visitor.reload().await;
    visitor.until_messages(&[CORPUS[1]]).await;
    for window in [seen, desk] {
        // An alert that was open would have failed every look at the page.
        assert_eq!(window.run("return window.__pwned ?? null", &[]).await, json!(null));
        assert_eq!(window.run(STRANGE, &[]).await, json!([]), "no markup has come of it");
        assert_eq!(window.complaints().await, [""; 0], "no policy had to step in");
    }
}

//! Pictures of both pages, for people to judge.

use convor_tests::browser::{Screen, Window};
use convor_tests::stage::Stage;

const SCREENS: [(&str, Screen); 4] = [
    ("light", Screen { width: 1280, height: 800, dark: false }),
    ("dark", Screen { width: 1280, height: 800, dark: true }),
    ("phone", Screen { width: 390, height: 844, dark: false }),
    ("phone-dark", Screen { width: 390, height: 844, dark: true }),
];

/// Who else has asked.
const OTHERS: [(&str, &str); 4] = [
    ("Jonas Weber", "Do you have the blue frame in size 56?"),
    ("Mei Tanaka", "My order says delivered, but there is no parcel."),
    ("Sam Boateng", "Thanks, that helped!"),
    ("Ingrid Solberg", "Do you deliver to Norway, and what does it cost?"),
];

/// Makes a visitor with this name who asks this.
const ASK: &str = "
    const [site, name, text] = arguments;
    const ask = async (method, path, token, body) => {
        const headers = { 'content-type': 'application/json' };
        if (token) headers.authorization = `Bearer ${token}`;
        return (await fetch(`/chat/v1${path}`, { method, headers, body: JSON.stringify(body) })).json();
    };
    const client_id = crypto.randomUUID();
    return ask('POST', '/visitors', null, { site })
        .then(({ token }) => ask('PATCH', '/visitor', token, { name }).then(() => token))
        .then((token) => ask('POST', '/conversations', token, { client_id, first_message: { client_id, text } }));";

#[tokio::test(flavor = "multi_thread")]
async fn both_pages_fit_every_screen() {
    let stage = Stage::new().await;
    let operator = stage.somebody().await;
    take(&operator.window, "dashboard-1-sign-in").await;
    operator.sign_in(stage.operator()).await;
    let visitor = stage.visitor().await;
    for (name, text) in OTHERS {
        visitor.window.run(ASK, &[stage.tenant().site_key.clone().into(), name.into(), text.into()]).await;
    }
    take(&visitor.window, "visitor-1-closed").await;
    visitor.open().await;
    visitor.window.find("greeting").await;
    take(&visitor.window, "visitor-2-open").await;

    visitor
        .say("Hello! My gears slip when I climb. Is that something you can look at before Saturday?")
        .await;
    let count = OTHERS.len() + 1;
    operator.window.until("all of them", async |desk| desk.texts("inbox-item").await.len() == count).await;
    take(&operator.window, "dashboard-2-inbox").await;
    operator.open_first().await;
    operator.note("Same bike as in May: the cassette was worn then.").await;
    operator.reply("Good morning! That sounds like a worn chain. Bring it in on Thursday and we will have it ready on Friday.").await;
    operator.window.fill("tag-input", "repairs").await;
    operator.window.press(&char::from(convor_tests::browser::Key::Enter).to_string()).await;
    operator.window.click("assign-to-me").await;
    visitor.window.until("the answer", async |window| window.texts("message").await.len() == 2).await;
    visitor.window.click("introduce").await;
    visitor.window.fill("visitor-name", "Iris Nyberg").await;
    visitor.window.click("visitor-save").await;
    visitor.say("Perfect, thank you. Until Thursday!").await;
    operator.window.until("the thanks", async |window| window.texts("message").await.len() == 3).await;
    operator.window.fill("reply-composer", "You are wel").await;
    visitor
        .window
        .until("somebody types", async |window| window.texts("typing").await.concat().contains("typing"))
        .await;
    take(&visitor.window, "visitor-3-conversation").await;
    take(&operator.window, "dashboard-3-conversation").await;
}

/// Takes a picture on each screen. A page that is wider than its screen would have to be pushed about.
async fn take(window: &Window, state: &str) {
    for (name, screen) in SCREENS {
        window.resize(screen).await;
        window.picture(&format!("{state}-{name}")).await;
        let width = window.run("return document.documentElement.scrollWidth", &[]).await;
        assert!(width.as_u64() <= Some(u64::from(screen.width)), "{state}, {name}: {width} px wide");
    }
    window.resize(SCREENS[0].1).await;
}

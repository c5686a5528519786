//! Messages are found by their words. Where a storage cannot search, these cases are skipped and say so.

use std::collections::BTreeSet;

use super::calls;
use super::isolation::{Scene, twins};
use super::tenant::{Tenant, status, tag};
use super::world::{Answered, World, text};
use crate::domain::{Audience, Author, Event, MessageKind, Word};
use crate::ids::ConversationId;
use crate::ports::Change;
use crate::ports::storage::{Open, SearchQuery, SearchRepository, StatusChange};
use crate::time::Timestamp;

fn search(world: &World) -> &dyn SearchRepository {
    world.search().expect("these cases run where there is a search")
}

/// What looks for all words of a text.
pub(super) fn query(words: &str) -> SearchQuery {
    SearchQuery { words: Word::all_in(words).into_iter().collect(), before: None, limit: 1_000 }
}

/// Makes everything searchable; nothing where the storage cannot search.
pub(super) async fn index_all(tenant: &Tenant) {
    let Some(search) = tenant.world.search() else {
        return;
    };
    while search.index(tenant.id, 50).await.answered() > 0 {}
}

/// What all words of a text find; nothing where the storage cannot search.
pub(super) async fn found(tenant: &Tenant, words: &str) -> Vec<Event> {
    match tenant.world.search() {
        Some(search) => search.find(tenant.id, &query(words)).await.answered(),
        None => Vec::new(),
    }
}

/// The same, of what has been made searchable just now.
async fn found_now(tenant: &Tenant, words: &str) -> Vec<Event> {
    index_all(tenant).await;
    found(tenant, words).await
}

/// Says something at a time of its own.
async fn say_at(tenant: &Tenant, to: ConversationId, says: &str, at: Timestamp) -> Event {
    let append = tenant.appending(to, tenant.visitor_author(), MessageKind::Message, says);
    let change = Change { at, ..tenant.change(append.author) };
    tenant.try_append_with(&append, &change).await;
    tenant.log(to, Audience::Staff).await.pop().expect("it has just been stored")
}

/// Where an event stands in the order of what is found.
const fn place(event: &Event) -> (Timestamp, ConversationId, u64) {
    (event.at, event.conversation, event.position.staff)
}

/// Another tenant's messages are found neither by their words nor by being indexed.
pub(super) async fn foreign_messages_are_not_found(world: World) {
    let scene = Scene::of(&world).await;
    let foreign = calls::search(&world, scene.foreign, &scene.ids).await;
    let absent = calls::search(&world, scene.absent, &scene.made_up).await;
    scene.assert_alike(foreign, absent).await;
}

/// A word that two tenants use finds each its own message, even under the same ids.
pub(super) async fn a_word_finds_the_tenants_own(world: World) {
    let (ours, theirs) = twins(&world).await;
    theirs.fill("theirs").await;
    ours.of.ask(ours.conversation, "shared").await;
    theirs.of.note(theirs.conversation, "shared").await;
    for (ids, kind) in [(&ours, MessageKind::Message), (&theirs, MessageKind::Note)] {
        let found = found_now(&ids.of, "shared").await;
        let log = ids.of.log(ids.conversation, Audience::Staff).await;
        assert_eq!(found, log[log.len() - 1..], "a word finds what its own tenant has said");
        assert_eq!(found[0].kind.message().map(|message| message.kind), Some(kind));
    }
}

/// A message is found by each of its words, as the event that stands in the log; by other words it is not.
pub(super) async fn a_message_is_found_by_each_of_its_words(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let event = tenant.ask(to, "Where is my blue parcel? Order 4711-b.").await;
    tenant.answer(to, "It left yesterday.").await;
    for word in ["where", "is", "my", "blue", "parcel", "order", "4711", "b"] {
        assert_eq!(found_now(&tenant, word).await, std::slice::from_ref(&event), "by `{word}`");
    }
    for word in ["red", "471", "47111", "bl", "parcels"] {
        assert_eq!(found(&tenant, word).await, [], "`{word}` is none of its words");
    }
}

/// Of several words each must be in the message; words of two messages find neither. A word twice asks for it once.
pub(super) async fn all_words_must_be_in_the_message(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let both = tenant.ask(to, "blue parcel").await;
    let blue = tenant.ask(to, "blue sky").await;
    tenant.ask(to, "brown parcel").await;
    assert_eq!(found_now(&tenant, "parcel blue").await, std::slice::from_ref(&both), "in whatever order");
    assert_eq!(found(&tenant, "sky parcel").await, [], "each word is somewhere, but not in one message");
    assert_eq!(found(&tenant, "blue nowhere").await, [], "one word is nowhere");
    let mut twice = query("blue");
    twice.words.extend(query("blue").words);
    let found = search(&world).find(tenant.id, &twice).await.answered();
    assert_eq!(found, [blue, both], "a word twice is one word");
}

/// Without a word nothing is found.
pub(super) async fn without_a_word_nothing_is_found(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    tenant.ask(to, "hello").await;
    tenant.ask(to, "… — !").await;
    assert_eq!(found_now(&tenant, "").await, [], "no word is asked for");
    assert_eq!(found(&tenant, "… — !").await, [], "signs are no words");
}

/// Notes, first messages and what the system says are found; changes of status, assignee and tags are not.
pub(super) async fn every_message_is_found_and_nothing_else(world: World) {
    let tenant = world.tenant().await;
    let first_message = Some(tenant.message(MessageKind::Message, "closed one"));
    let opening = Open { first_message, subject: Some(text("closed subject")), ..tenant.opening() };
    tenant.try_open(&opening).await;
    let to = opening.id;
    tenant.note(to, "closed two").await;
    tenant.append(&tenant.appending(to, Author::System, MessageKind::Message, "closed three")).await;
    tenant.update(to, &tag(&["closed"])).await;
    tenant.update(to, &status(StatusChange::Closed)).await;
    let mut messages = tenant.log(to, Audience::Staff).await;
    messages.truncate(3);
    messages.reverse();
    assert_eq!(found_now(&tenant, "closed").await, messages, "the newest first, notes among them");
}

/// Words are compared in lower case, whatever the script.
pub(super) async fn letter_case_makes_no_difference(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    for (says, asks) in [
        ("GRÜSSE aus Köln", "grüsse KÖLN"),
        ("Ελλάδα", "ΕΛΛΆΔΑ"),
        ("ПРИВЕТ", "привет"),
        ("İstanbul", "İSTANBUL"),
        ("ǅungla", "ǆungla"),
    ] {
        let event = tenant.ask(to, says).await;
        assert_eq!(found_now(&tenant, asks).await, [event], "`{says}` by `{asks}`");
    }
}

/// A word is what the core says it is: no stem, no accent, no spelling is taken for another, and none is left out.
pub(super) async fn a_word_is_taken_as_it_is(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    for (says, asks) in [
        ("running", "run"),
        ("run", "runs"),
        ("café", "cafe"),
        ("straße", "strasse"),
        ("ﬁne", "fine"),
        ("١٢٣", "123"),
        ("a_b", "axb"),
        ("注文番号", "注文"),
    ] {
        let event = tenant.ask(to, says).await;
        assert_eq!(found_now(&tenant, says).await, [event], "`{says}` by itself");
        assert_eq!(found(&tenant, asks).await, [], "`{says}` is not `{asks}`");
    }
    for word in ["the", "and", "or", "not", "near", "null", "مرحبا", "שלום", "𝔘𝔫𝔦", "0"] {
        let event = tenant.ask(to, word).await;
        assert_eq!(found_now(&tenant, word).await, [event], "`{word}` is a word like any other");
    }
}

/// What query languages read as signs is nothing but what stands between two words.
pub(super) async fn signs_between_words_mean_nothing(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let event =
        tenant.ask(to, "'; DROP TABLE \"x\" -- % \\ : & | ! ( ) * <-> ^ {} $1 \u{202e}\u{fffd}").await;
    for asks in ["drop & table", "\"drop table\"", "table:drop", "x*", "-drop", "(table)", "^drop$ \\ 1"] {
        assert_eq!(found_now(&tenant, asks).await, std::slice::from_ref(&event), "by `{asks}`");
    }
    for asks in ["drop OR table", "dr%", "tabl_", "dr*", "NOT nowhere"] {
        assert_eq!(found(&tenant, asks).await, [], "`{asks}` holds a word that the message has not");
    }
}

/// Of a long word only the beginning counts, and the longest text is searchable to its end.
pub(super) async fn long_words_and_long_texts_are_found(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let beginning = "é".repeat(Word::CHARS_MAX);
    let long = tenant.ask(to, &format!("{beginning}one")).await;
    assert_eq!(found_now(&tenant, &format!("{beginning}other")).await, [long], "the rest is not looked at");
    assert_eq!(found(&tenant, &"é".repeat(Word::CHARS_MAX - 1)).await, [], "a shorter word is another one");
    let words: Vec<String> = (0..1_300).map(|n| format!("w{n}")).collect();
    let event = tenant.ask(to, &words.join(" ")).await;
    for word in ["w0", "w649", "w1299"] {
        assert_eq!(found_now(&tenant, word).await, std::slice::from_ref(&event), "by `{word}`");
    }
    let many = found(&tenant, &words[1_270..].join(" ")).await;
    assert_eq!(many, [event], "by many of its words at once");
}

/// Messages in three conversations, three of them each at the very same time, in the order in which they are found.
async fn tied(tenant: &Tenant) -> Vec<Event> {
    let conversations = [tenant.open().await.id, tenant.open().await.id, tenant.open().await.id];
    let times = [tenant.now(), tenant.now()];
    let mut events = Vec::new();
    for at in times {
        for to in conversations {
            for n in 0..2 {
                events.push(say_at(tenant, to, &format!("tied {n}"), at).await);
            }
        }
    }
    events.sort_by_key(|event| std::cmp::Reverse(place(event)));
    events
}

/// The newest comes first; where the times are the same the larger conversation id, and within one the later message.
pub(super) async fn the_newest_are_found_first(world: World) {
    let tenant = world.tenant().await;
    let expected = tied(&tenant).await;
    assert_eq!(found_now(&tenant, "tied").await, expected, "by time, conversation and position, descending");
}

/// Pages put together are all that is found, whatever their size and however equal the times.
pub(super) async fn joined_pages_are_all_that_is_found(world: World) {
    let tenant = world.tenant().await;
    let expected = tied(&tenant).await;
    index_all(&tenant).await;
    for limit in [1, 2, 3, 5, 12, 13, usize::MAX] {
        let mut walked: Vec<Event> = Vec::new();
        loop {
            let before = walked.last().map(place);
            let page = search(&world)
                .find(tenant.id, &SearchQuery { before, limit, ..query("tied") })
                .await
                .answered();
            assert!(page.len() <= limit, "at most as many as asked for");
            if page.is_empty() {
                break;
            }
            walked.extend(page);
            assert!(walked.len() <= expected.len(), "each page begins below the cursor");
        }
        assert_eq!(walked, expected, "by {limit}: none lost, none twice");
    }
}

/// What follows is strictly below the cursor, also where no message stands there, and the largest position is one.
pub(super) async fn the_cursor_of_a_search_is_strictly_below(world: World) {
    let tenant = world.tenant().await;
    let expected = tied(&tenant).await;
    index_all(&tenant).await;
    let below = async |before, limit| {
        search(&world).find(tenant.id, &SearchQuery { before, limit, ..query("tied") }).await.answered()
    };
    let (at, conversation, position) = place(&expected[4]);
    assert_eq!(below(Some((at, conversation, position)), 99).await, expected[5..]);
    assert_eq!(below(Some((at, conversation, position + 1)), 99).await, expected[4..]);
    for beyond in [i64::MAX.cast_unsigned(), 1 << 63, u64::MAX] {
        assert_eq!(below(Some((at, conversation, beyond)), 99).await, expected[4..], "below {beyond}");
        assert_eq!(below(Some((Timestamp::MAX, conversation, beyond)), 99).await, expected);
    }
    assert_eq!(below(Some((Timestamp::from_millis(0), conversation, u64::MAX)), 99).await, []);
    assert_eq!(below(Some((at, conversation, 0)), 99).await, expected[6..], "nothing stands at position 0");
    assert_eq!(below(None, 0).await, [], "none at all");
}

/// Indexing is bounded, comes to an end, and changes nothing when it is repeated.
pub(super) async fn indexing_comes_to_its_end(world: World) {
    let tenant = world.tenant().await;
    assert_eq!(search(&world).index(tenant.id, 10).await.answered(), 0, "there is nothing yet");
    let to = tenant.open().await.id;
    for n in 0..9 {
        tenant.ask(to, &format!("message {n}")).await;
    }
    assert_eq!(search(&world).index(tenant.id, 0).await.answered(), 0, "none at all");
    let mut indexed = 0;
    loop {
        let more = search(&world).index(tenant.id, 4).await.answered();
        assert!(more <= 4, "at most as many as asked for");
        indexed += more;
        assert!(indexed <= 9, "no event is indexed twice");
        if more == 0 {
            break;
        }
    }
    let found_first = found(&tenant, "message").await;
    assert_eq!(found_first.len(), 9, "at the end each is searchable");
    assert_eq!(search(&world).index(tenant.id, usize::MAX).await.answered(), 0, "all are");
    assert_eq!(found(&tenant, "message").await, found_first, "a repeat finds the same, each once");
}

/// A message whose clock was behind is brought in as well, although younger ones are there already.
pub(super) async fn a_late_message_with_an_early_time_is_found(world: World) {
    let tenant = world.tenant().await;
    let (one, two) = (tenant.open().await.id, tenant.open().await.id);
    let early = tenant.now();
    let young = tenant.ask(two, "late").await;
    assert_eq!(found_now(&tenant, "late").await, std::slice::from_ref(&young));
    let old = say_at(&tenant, one, "late", early).await;
    assert_eq!(found_now(&tenant, "late").await, [young, old], "in the order of the times");
}

/// Appends and indexing at the same time: at the end every message is found, once, and no call has failed.
pub(super) async fn indexing_beside_appends_loses_nothing(world: World) {
    let tenant = world.tenant().await;
    let conversations = [tenant.open().await.id, tenant.open().await.id, tenant.open().await.id];
    let writers: Vec<_> = (0..6)
        .map(|task| {
            let (tenant, to) = (tenant.clone(), conversations[task % 3]);
            tokio::spawn(async move {
                let mut said = Vec::new();
                for n in 0..15 {
                    said.push(tenant.ask(to, &format!("busy t{task}n{n}")).await);
                }
                said
            })
        })
        .collect();
    let indexers: Vec<_> = (0..3)
        .map(|_| {
            let tenant = tenant.clone();
            tokio::spawn(async move {
                for _ in 0..20 {
                    search(&tenant.world).index(tenant.id, 4).await.answered();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut said = BTreeSet::new();
    for writer in writers {
        said.extend(writer.await.expect("the store does not panic").iter().map(place));
    }
    for indexer in indexers {
        indexer.await.expect("the store does not panic");
    }
    let all = found_now(&tenant, "busy").await;
    assert_eq!(all.len(), said.len(), "each message once");
    assert_eq!(all.iter().map(place).collect::<BTreeSet<_>>(), said, "and none lost");
    assert_eq!(found(&tenant, "t5n14").await.len(), 1, "by its own word, too");
}

/// What is purged is found no more, whether it was searchable or not, and indexing does not bring it back.
pub(super) async fn a_purged_message_is_not_found(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    tenant.ask(to, "word one").await;
    index_all(&tenant).await;
    tenant.ask(to, "word two").await;
    let kept = tenant.ask(to, "word three").await;
    let purged = world.events().purge(tenant.id, kept.at, 99).await.answered();
    assert_eq!(purged, 2);
    let at_once = found(&tenant, "word").await;
    assert!(at_once.iter().all(|event| *event == kept), "what is purged is gone at once");
    assert_eq!(found_now(&tenant, "word").await, [kept], "and does not come back");
    assert_eq!(found(&tenant, "one").await, [], "not by any word");
}

/// What an erased visitor's conversations said is found no more, by either side's words, and indexing does not bring it back.
pub(super) async fn an_erased_message_is_not_found(world: World) {
    let tenant = world.tenant().await;
    let other = tenant.seen_by(tenant.another_visitor().await, tenant.token);
    let (of, others) = (tenant.open().await.id, other.open().await.id);
    tenant.ask(of, "word one").await;
    tenant.note(of, "word two").await;
    index_all(&tenant).await;
    tenant.answer(of, "word three").await;
    let kept = other.ask(others, "word four").await;
    let change = tenant.change(Author::System);
    assert!(world.visitors().erase(tenant.id, tenant.visitor, &change).await.answered());
    let at_once = found(&tenant, "word").await;
    assert!(at_once.iter().all(|event| *event == kept), "what is erased is gone at once");
    assert_eq!(found_now(&tenant, "word").await, [kept], "and does not come back");
    for word in ["one", "two", "three"] {
        assert_eq!(found(&tenant, word).await, [], "`{word}` finds nothing");
    }
}

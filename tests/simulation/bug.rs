//! What can be planted, to see that it is found.

/// Something that is wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A message is acknowledged, and stored a little later.
    AcknowledgesFirst,
    /// A repeat is stored again.
    StoresRepeats,
    /// What is read may be a little old, so that nothing says what lies between a page and the present.
    ReadsStalePages,
    /// A hint that is lost is lost: nobody notices, and nothing is reread.
    TrustsHints,
    /// Of what a slow reader cannot take, frames are left out.
    SkipsFrames,
    /// A client takes what it has got already.
    TakesRepeats,
    /// A client remembers when, not up to where, it has read.
    RemembersTheTime,
    /// A client reads, and then subscribes to what happens from then on.
    SubscribesAfterReading,
    /// A client that is told to read again goes on instead.
    IgnoresResets,
    /// A note is given a position for the visitor.
    ShowsNotes,
    /// A page may be another tenant's.
    MixesTenants,
}

/// Something that is wrong on purpose, and how it is found.
#[derive(Debug)]
pub(crate) struct Planted {
    pub(crate) bug: Bug,
    /// What is wrong, in words.
    pub(crate) what: &'static str,
    /// The rules that are broken by it. Whatever else it breaks, perhaps because it is slow, is not how it is found.
    pub(crate) breaks: &'static [&'static str],
}

const ACKNOWLEDGED: &str = "what is acknowledged is stored";
const HEARD: &str = "what is heard is stored";
const HOLE_HELD: &str = "what is held has no hole";
const HOLE_ON_CONNECTION: &str = "what a connection brings has no hole";
const EVERYTHING: &str = "in the end everybody has everything";
const FOREIGN_WORDS: &str = "what is said reaches only those for whom it is";
const FOREIGN_PLACE: &str = "a reader hears of its own conversations only";
const INTERNAL: &str = "what is internal has no position for the visitor, and everything else has one";

/// All of them.
pub(crate) const PLANTED: &[Planted] = &[
    planted(Bug::AcknowledgesFirst, "a message is acknowledged before it is stored", &[ACKNOWLEDGED, HEARD]),
    planted(Bug::StoresRepeats, "a repeat is stored again", &["what is said is stored once"]),
    planted(
        Bug::ReadsStalePages,
        "pages are a little old: a hole between history and present",
        &[HOLE_HELD, HOLE_ON_CONNECTION, EVERYTHING],
    ),
    planted(Bug::TrustsHints, "a hint is the only copy: nothing is reread", &[EVERYTHING]),
    planted(Bug::SkipsFrames, "a slow reader's frames are left out", &[HOLE_ON_CONNECTION]),
    planted(Bug::TakesRepeats, "a client does not recognise repeats", &["nothing is held twice"]),
    planted(Bug::RemembersTheTime, "a client's cursor is a time", &[HOLE_HELD, "nothing is held twice"]),
    planted(Bug::SubscribesAfterReading, "a client subscribes after it has read", &[HOLE_HELD, EVERYTHING]),
    planted(
        Bug::IgnoresResets,
        "a client ignores resets",
        &["after a reset nothing is added to what was held", "a reset is answered by reading again"],
    ),
    planted(Bug::ShowsNotes, "notes have a position for the visitor", &[FOREIGN_WORDS, INTERNAL]),
    planted(Bug::MixesTenants, "a page is another tenant's", &[FOREIGN_WORDS, FOREIGN_PLACE]),
];

const fn planted(bug: Bug, what: &'static str, breaks: &'static [&'static str]) -> Planted {
    Planted { bug, what, breaks }
}

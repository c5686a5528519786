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

/// All of them, each with what is wrong in words.
pub(crate) const BUGS: &[(Bug, &str)] = &[
    (Bug::AcknowledgesFirst, "a message is acknowledged before it is stored"),
    (Bug::StoresRepeats, "a repeat is stored again"),
    (Bug::ReadsStalePages, "pages are a little old: a hole between history and present"),
    (Bug::TrustsHints, "a hint is the only copy: nothing is reread"),
    (Bug::SkipsFrames, "a slow reader's frames are left out"),
    (Bug::TakesRepeats, "a client does not recognise repeats"),
    (Bug::RemembersTheTime, "a client's cursor is a time"),
    (Bug::SubscribesAfterReading, "a client subscribes after it has read"),
    (Bug::IgnoresResets, "a client ignores resets"),
    (Bug::ShowsNotes, "notes have a position for the visitor"),
    (Bug::MixesTenants, "a page is another tenant's"),
];

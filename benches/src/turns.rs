//! Shapes of one kind of work, taken in turns, so that what else the machine does falls on all of them.

/// A shape's turn in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turn {
    /// Whose turn it is.
    pub shape: usize,
    /// Whether it counts: the first round warms up.
    pub counts: bool,
}

/// So many rounds after the one that warms up. The order changes from round to round, and so does who follows whom.
pub fn turns(rounds: usize, shapes: usize) -> impl Iterator<Item = Turn> {
    (0..=rounds).flat_map(move |round| {
        (0..shapes).map(move |turn| {
            let turn = if round.is_multiple_of(2) { turn } else { shapes - 1 - turn };
            Turn { shape: (turn + round) % shapes, counts: round > 0 }
        })
    })
}

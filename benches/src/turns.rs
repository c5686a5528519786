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

/// So many rounds after the one that warms up. Each round begins with the next shape, and when every shape has begun once,
/// the order turns round: who follows whom changes, too.
pub fn turns(rounds: usize, shapes: usize) -> impl Iterator<Item = Turn> {
    (0..=rounds).flat_map(move |round| {
        (0..shapes).map(move |turn| {
            let turn = if (round / shapes).is_multiple_of(2) { turn } else { shapes - 1 - turn };
            Turn { shape: (turn + round) % shapes, counts: round > 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_shape_stands_first_equally_often_and_orders_differ() {
        for (shapes, orders) in [(2, 2), (3, 6), (4, 8)] {
            let counted = turns(2 * shapes, shapes).filter(|turn| turn.counts);
            let order: Vec<_> = counted.map(|turn| turn.shape).collect();
            let rounds: Vec<_> = order.chunks(shapes).collect();
            for shape in 0..shapes {
                assert_eq!(rounds.iter().filter(|round| round[0] == shape).count(), 2, "{shape} of {shapes}");
                assert!(rounds.iter().all(|round| round.contains(&shape)), "{shape} of {shapes}");
            }
            assert_eq!(rounds.iter().collect::<BTreeSet<_>>().len(), orders, "of {shapes} shapes");
        }
    }
}

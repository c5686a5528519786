//! What was measured: a table for people and JSON for programs.

use serde::Serialize;

/// One thing against another, measured in turns within one run.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// What is measured.
    pub(crate) what: String,
    /// What it is divided by.
    pub(crate) against: String,
    /// The medians over the rounds.
    pub(crate) figures: Vec<Figure>,
}

/// One ratio and what it should be.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    /// Of what: `rate`, `server CPU`, `time`, `p99`.
    pub(crate) of: &'static str,
    /// The median of the rounds' ratios.
    pub(crate) ratio: f64,
    /// The smallest and the largest of them.
    pub(crate) range: (f64, f64),
    /// What was aimed at.
    pub(crate) budget: Option<Budget>,
}

/// A bound for a ratio.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Budget {
    AtLeast(f64),
    AtMost(f64),
}

impl Budget {
    fn met(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(bound) => ratio >= bound,
            Self::AtMost(bound) => ratio <= bound,
        }
    }
}

impl std::fmt::Display for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, "≥ {bound:.2}"),
            Self::AtMost(bound) => write!(f, "≤ {bound:.2}"),
        }
    }
}

impl Row {
    pub(crate) fn new(what: impl Into<String>, against: impl Into<String>) -> Self {
        Self { what: what.into(), against: against.into(), figures: Vec::new() }
    }

    /// Adds the median of what the rounds gave.
    pub(crate) fn figure(mut self, of: &'static str, rounds: &[f64], budget: Option<Budget>) -> Self {
        let mut sorted = rounds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(low), Some(high)) = (sorted.first(), sorted.last()) else {
            return self;
        };
        let range = (*low, *high);
        self.figures.push(Figure { of, ratio: sorted[sorted.len() / 2], range, budget });
        self
    }
}

/// The rows as a Markdown table.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text =
        String::from("| what | against | of | ratio | range | budget | |\n|---|---|---|---|---|---|---|\n");
    for row in rows {
        for figure in &row.figures {
            let (budget, met) = figure.budget.map_or_else(Default::default, |budget| {
                (budget.to_string(), if budget.met(figure.ratio) { "met" } else { "missed" })
            });
            let (low, high) = figure.range;
            text += &format!(
                "| {} | {} | {} | {:.2} | {low:.2}–{high:.2} | {budget} | {met} |\n",
                row.what, row.against, figure.of, figure.ratio
            );
        }
    }
    text
}

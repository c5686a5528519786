//! What was measured: a table for people and JSON for programs.

use serde::Serialize;

/// One thing, alone or against another that was measured in turns with it.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Row {
    /// What is measured.
    pub what: String,
    /// What it is divided by; `-` if it is not.
    pub against: String,
    /// The medians over the rounds.
    pub figures: Vec<Figure>,
}

/// One figure and what it should be.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Figure {
    /// Of what: `rate`, `server CPU`, `time`, `p99`.
    pub of: &'static str,
    /// The median over the rounds, of ratios or of what was measured.
    pub median: f64,
    /// The smallest and the largest of them.
    pub range: (f64, f64),
    /// What was aimed at.
    pub budget: Option<Budget>,
}

/// A bound for a figure.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Budget {
    /// It should not be less.
    AtLeast(f64),
    /// It should not be more.
    AtMost(f64),
}

impl Budget {
    fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(bound) => figure >= bound,
            Self::AtMost(bound) => figure <= bound,
        }
    }
}

impl std::fmt::Display for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, "≥ {}", shown(*bound)),
            Self::AtMost(bound) => write!(f, "≤ {}", shown(*bound)),
        }
    }
}

impl Row {
    /// One without figures yet.
    #[must_use]
    pub fn new(what: impl Into<String>, against: impl Into<String>) -> Self {
        Self { what: what.into(), against: against.into(), figures: Vec::new() }
    }

    /// Adds the median of what the rounds gave.
    #[must_use]
    pub fn figure(mut self, of: &'static str, rounds: &[f64], budget: Option<Budget>) -> Self {
        if let Some((median, range)) = median(rounds) {
            self.figures.push(Figure { of, median, range, budget });
        }
        self
    }
}

/// The median of the rounds, with the smallest and the largest; `None` if there were none.
#[must_use]
pub fn median(rounds: &[f64]) -> Option<(f64, (f64, f64))> {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.first()?, sorted.last()?);
    Some((sorted[sorted.len() / 2], (*low, *high)))
}

/// The rows as a Markdown table.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text =
        String::from("| what | against | of | median | range | budget | |\n|---|---|---|---|---|---|---|\n");
    for row in rows {
        for figure in &row.figures {
            let (budget, met) = figure.budget.map_or_else(Default::default, |budget| {
                (budget.to_string(), if budget.is_met(figure.median) { "met" } else { "missed" })
            });
            let (low, high) = figure.range;
            text += &format!(
                "| {} | {} | {} | {} | {}–{} | {budget} | {met} |\n",
                row.what,
                row.against,
                figure.of,
                shown(figure.median),
                shown(low),
                shown(high)
            );
        }
    }
    text
}

/// With as many digits as say something.
#[must_use]
pub fn shown(figure: f64) -> String {
    match figure.abs() {
        ..10.0 => format!("{figure:.2}"),
        ..100.0 => format!("{figure:.1}"),
        _ => format!("{figure:.0}"),
    }
}

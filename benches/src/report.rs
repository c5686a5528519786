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
    pub goal: Option<Goal>,
}

/// A bound for a figure.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Goal {
    /// The median should not be less.
    AtLeast(f64),
    /// The median should not be more.
    AtMost(f64),
    /// No round should be more: for what must never happen, and for the slowest of something.
    NeverAbove(f64),
}

impl Goal {
    fn is_met(self, figure: &Figure) -> bool {
        let (_, largest) = figure.range;
        match self {
            Self::AtLeast(bound) => figure.median >= bound,
            Self::AtMost(bound) => figure.median <= bound,
            Self::NeverAbove(bound) => largest <= bound,
        }
    }
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
            Self::NeverAbove(bound) => write!(f, "≤ {bound} always"),
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
    pub fn figure(mut self, of: &'static str, rounds: &[f64], goal: Option<Goal>) -> Self {
        if let Some((median, range)) = median(rounds) {
            self.figures.push(Figure { of, median, range, goal });
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
        String::from("| what | against | of | median | range | goal | |\n|---|---|---|---|---|---|---|\n");
    for row in rows {
        for figure in &row.figures {
            let (goal, met) = figure.goal.map_or_else(Default::default, |goal| {
                (goal.to_string(), if goal.is_met(figure) { "met" } else { "missed" })
            });
            let (low, high) = figure.range;
            text += &format!(
                "| {} | {} | {} | {} | {}–{} | {goal} | {met} |\n",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_round_misses_what_must_never_be() {
        let rounds = [0.0, 3.0, 0.0];
        let row = Row::new("all", "-")
            .figure("usual", &rounds, Some(Goal::AtMost(0.0)))
            .figure("least", &rounds, Some(Goal::AtLeast(0.5)))
            .figure("worst", &rounds, Some(Goal::NeverAbove(0.0)))
            .figure("worst", &rounds, Some(Goal::NeverAbove(3.0)));
        let table = table(&[row]);
        let goals: Vec<_> = table.lines().skip(2).filter_map(|line| line.split("3.00 | ").nth(1)).collect();
        assert_eq!(goals, ["≤ 0 | met |", "≥ 0.5 | missed |", "≤ 0 always | missed |", "≤ 3 always | met |"]);
    }
}

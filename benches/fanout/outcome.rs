//! What a run has found, for people and for programs.

use convor_benches::report::{self, Row, shown};
use serde::Serialize;

use crate::rounds::{Sample, middle};

/// What a run has found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Outcome {
    /// Ratios and counts, with what was aimed at.
    pub(crate) rows: Vec<Row>,
    /// What they were made from.
    pub(crate) measured: Vec<Measured>,
    /// What is plotted.
    pub(crate) curves: Vec<Curve>,
}

/// Medians over the rounds, in units of this machine.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    what: String,
    server: &'static str,
    cpu_us_per_delivery: f64,
    deliveries_per_second: f64,
    posts_per_second: f64,
    p50_us: f64,
    p99_us: f64,
    ack_p99_us: f64,
    frame_bytes: usize,
}

/// One line of one plot.
#[derive(Debug, Serialize)]
pub(crate) struct Curve {
    /// The plot, which is also the name of its file.
    pub(crate) plot: &'static str,
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    /// The line.
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Outcome {
    pub(crate) fn measured(&mut self, what: &str, server: &'static str, samples: &[Sample]) {
        let micros = |of: fn(&Sample) -> f64| middle(samples, of);
        let measured = Measured {
            what: what.to_owned(),
            server,
            cpu_us_per_delivery: micros(|sample| sample.cpu_per_delivery() * 1e6),
            deliveries_per_second: micros(Sample::deliveries_per_second),
            posts_per_second: micros(Sample::posts_per_second),
            p50_us: micros(|sample| sample.tally.delivery.p50),
            p99_us: micros(|sample| sample.tally.delivery.p99),
            ack_p99_us: micros(|sample| sample.tally.acknowledgement.p99),
            frame_bytes: samples.last().map_or(0, |sample| sample.tally.frame_bytes),
        };
        eprintln!("   {}", measured.line());
        self.measured.push(measured);
    }

    /// Adds a point to a line, which is begun if there is none.
    pub(crate) fn point(
        &mut self,
        (plot, x, y): (&'static str, &'static str, &'static str),
        name: &str,
        point: (f64, f64),
    ) {
        let found = self.curves.iter_mut().find(|curve| curve.plot == plot && curve.name == name);
        match found {
            Some(curve) => curve.points.push(point),
            None => self.curves.push(Curve { plot, x, y, name: name.to_owned(), points: vec![point] }),
        }
    }

    /// Tables in Markdown.
    pub(crate) fn tables(&self) -> String {
        let mut text = report::table(&self.rows);
        text += "\n| what | server | CPU µs/delivery | deliveries/s | posts/s | p50 µs | p99 µs | ack p99 µs | frame |\n";
        text += "|---|---|---|---|---|---|---|---|---|\n";
        for measured in &self.measured {
            text += &measured.line();
            text.push('\n');
        }
        text
    }
}

impl Measured {
    fn line(&self) -> String {
        let figures = [
            self.cpu_us_per_delivery,
            self.deliveries_per_second,
            self.posts_per_second,
            self.p50_us,
            self.p99_us,
            self.ack_p99_us,
        ];
        let figures = figures.map(shown).join(" | ");
        format!("| {} | {} | {figures} | {} |", self.what, self.server, self.frame_bytes)
    }
}

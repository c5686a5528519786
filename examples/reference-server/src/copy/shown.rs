//! How far a copy has come: a bar for people at a terminal, a line for each tenant for everybody else.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// After how many records of a tenant there is a line.
const RECORDS: u64 = 100_000;

/// What is done with a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Copying,
    Comparing,
}

/// What is shown on standard error.
pub(super) struct Shown {
    bar: Option<ProgressBar>,
    /// How many tenants there are.
    tenants: u64,
    /// Which it is, from 1 on.
    tenant: u64,
    step: Step,
    records: u64,
}

impl Shown {
    /// Of so many tenants, whose size nobody knows.
    pub(super) fn without_total(tenants: u64) -> Self {
        Self::new(tenants, || ProgressBar::new_spinner().with_style(style("{spinner} {elapsed} {msg}")))
    }

    /// Of so many tenants, in so many bytes.
    pub(super) fn with_total(tenants: u64, bytes: u64) -> Self {
        Self::new(tenants, || {
            ProgressBar::new(bytes).with_style(style("{wide_bar} {bytes} of {total_bytes}, {eta} left {msg}"))
        })
    }

    fn new(tenants: u64, bar: impl FnOnce() -> ProgressBar) -> Self {
        let bar = std::io::stderr().is_terminal().then(bar);
        Self { bar, tenants, tenant: 1, step: Step::Copying, records: 0 }
    }

    /// Which of the tenants it is, of how many.
    pub(super) fn place(&self) -> String {
        format!("{} of {}", self.tenant, self.tenants)
    }

    /// Begins with the tenants anew.
    pub(super) fn begin(&mut self, step: Step) {
        (self.tenant, self.step, self.records) = (1, step, 0);
        self.tell();
    }

    /// So many records of the tenant are done.
    pub(super) fn records(&mut self, records: u64) {
        let is_line = records / RECORDS > self.records / RECORDS;
        self.records = records;
        if self.bar.is_some() || is_line {
            self.tell();
        }
    }

    /// Nothing more comes of the tenant.
    pub(super) fn finished(&mut self) {
        if self.bar.is_none() && self.step == Step::Copying {
            eprintln!("tenant {}, copied, {}", self.place(), count(self.records, "record"));
        }
        (self.tenant, self.records) = (self.tenant + 1, 0);
    }

    fn tell(&self) {
        let step = match self.step {
            Step::Copying => "copying",
            Step::Comparing => "comparing",
        };
        let line = format!("tenant {}, {step}, {}", self.place(), count(self.records, "record"));
        match &self.bar {
            Some(bar) => {
                bar.set_message(line);
                bar.tick();
            }
            None if self.records > 0 => eprintln!("{line}"),
            None => {}
        }
    }

    /// A line of the result, which the bar does not cover.
    pub(super) fn result(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{line}")),
            None => println!("{line}"),
        }
    }

    /// So many bytes are done.
    pub(super) fn position(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A number with what it counts, as people write it.
pub(super) fn count(number: u64, what: &str) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped} {what}{}", if number == 1 { "" } else { "s" })
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_people_write_it() {
        let counted = [0, 1, 999, 1_000, 58_620, 1_234_567].map(|number| count(number, "record"));
        assert_eq!(
            counted,
            ["0 records", "1 record", "999 records", "1,000 records", "58,620 records", "1,234,567 records"]
        );
    }
}

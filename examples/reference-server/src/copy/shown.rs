//! How far a copy has come: a bar for people at a terminal, now and then a line for everybody else.

use std::io::IsTerminal;

use convor::ids::TenantId;
use indicatif::{ProgressBar, ProgressStyle};

/// After how many records of a tenant there is a line.
const RECORDS: u64 = 100_000;

/// What is shown on standard error.
pub(super) struct Shown {
    bar: Option<ProgressBar>,
    tenant: Option<TenantId>,
    records: u64,
}

impl Shown {
    /// Of something whose size nobody knows.
    pub(super) fn without_total() -> Self {
        Self::new(|| ProgressBar::new_spinner().with_style(style("{spinner} {elapsed} {msg}")))
    }

    /// Of so many bytes.
    pub(super) fn with_total(bytes: u64) -> Self {
        Self::new(|| {
            ProgressBar::new(bytes).with_style(style("{wide_bar} {bytes} of {total_bytes}, {eta} left {msg}"))
        })
    }

    fn new(bar: impl FnOnce() -> ProgressBar) -> Self {
        Self { bar: std::io::stderr().is_terminal().then(bar), tenant: None, records: 0 }
    }

    /// So many records of this tenant are done.
    pub(super) fn records(&mut self, tenant: TenantId, records: u64) {
        if self.tenant != Some(tenant) {
            (self.tenant, self.records) = (Some(tenant), 0);
        }
        match &self.bar {
            Some(bar) => {
                bar.set_message(format!("{tenant}: {records} records"));
                bar.tick();
            }
            None if records / RECORDS > self.records / RECORDS => eprintln!("{tenant}: {records} records"),
            None => {}
        }
        self.records = records;
    }

    /// So many bytes are done.
    pub(super) fn position(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
        }
    }

    /// Nothing more comes.
    pub(super) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

//! CPU seconds of other processes, as the scheduler counts them in nanoseconds (Linux).

use std::collections::HashMap;
use std::fs;
use std::io;

/// What each thread of a process has used so far.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Used(HashMap<u32, f64>);

impl Used {
    /// What this process has used.
    ///
    /// # Errors
    /// If there is no such process.
    pub fn by(process: u32) -> io::Result<Self> {
        let mut threads = HashMap::new();
        for entry in fs::read_dir(format!("/proc/{process}/task"))? {
            let name = entry?.file_name();
            let Some(thread) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            // A thread that has ended in the meantime is counted no more.
            if let Some(seconds) = seconds(&format!("/proc/{process}/task/{thread}/schedstat")) {
                threads.insert(thread, seconds);
            }
        }
        Ok(Self(threads))
    }

    /// The seconds between then and now. A thread that has ended since counts for nothing.
    #[must_use]
    pub fn since(&self, then: &Self) -> f64 {
        self.0.iter().map(|(thread, now)| now - then.0.get(thread).unwrap_or(&0.0)).sum()
    }

    /// The seconds so far, of the threads that there are.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.0.values().sum()
    }
}

fn seconds(schedstat: &str) -> Option<f64> {
    let text = fs::read_to_string(schedstat).ok()?;
    let nanoseconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

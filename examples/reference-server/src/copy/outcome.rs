//! What a copy has come to, tenant by tenant: what the source has, what the destination has, and why they differ.

use anyhow::bail;
use convor::ports::Storage;
use convor::transfer::{Copied, TenantDigest, digest};

use super::shown::{Shown, Step, count};

/// What has been copied, and is to be compared.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    tenants: Vec<Copied>,
}

impl Outcome {
    pub(super) fn note(&mut self, copied: &Copied) {
        self.tenants.push(copied.clone());
    }

    /// Reads the destination again, and says of each tenant whether it holds what the source held.
    pub(super) async fn compare(self, to: &dyn Storage, shown: &mut Shown) -> anyhow::Result<()> {
        let (mut different, mut records, mut reasons) = (0, 0, Vec::new());
        shown.begin(Step::Comparing);
        for copied in &self.tenants {
            let (source, found) = (&copied.digest, digest(to, copied.digest.tenant).await?);
            let equal = copied.is_exact() && found == *source;
            let verdict = if equal {
                format!("{}: equal", told(&found))
            } else {
                format!("source {}; destination {}: different", told(source), told(&found))
            };
            shown.result(&format!("{} ({}) {verdict}", source.tenant, shown.place()));
            if let Some(reason) = reason(copied) {
                reasons.push(format!("tenant {}: {reason}", source.tenant));
            }
            different += u64::from(!equal);
            records += found.records();
            shown.finished();
        }
        let tenants = count(self.tenants.len() as u64, "tenant");
        let verdict = if different == 0 { "all equal".to_owned() } else { format!("{different} different") };
        shown.result(&format!("{tenants}, {}: {verdict}", count(records, "record")));
        for reason in reasons {
            eprintln!("{reason}");
        }
        if different > 0 {
            let are = if different == 1 { "is" } else { "are" };
            let they = if different == 1 { "it is" } else { "they are" };
            bail!(
                "{} {are} not in the destination as {they} in the source; stop the servers, and copy into an empty destination",
                count(different, "tenant")
            );
        }
        Ok(())
    }
}

/// What a tenant's records come to.
pub(super) fn told(digest: &TenantDigest) -> String {
    format!("{}, SHA-256 {}", count(digest.records(), "record"), digest.sha256)
}

/// Why a copy is not what the source was; `None` if it is.
fn reason(copied: &Copied) -> Option<String> {
    let Copied { different, extra, left_out, missing, changed, .. } = copied;
    let were = |number: &u64| if *number == 1 { "was" } else { "were" };
    let mut reasons = Vec::new();
    if *different > 0 {
        let differ = if *different == 1 {
            "differs and was left as it is"
        } else {
            "differ and were left as they are"
        };
        reasons.push(format!("{} {differ}", count(*different, "record")));
    }
    if *extra > 0 {
        let are = if *extra == 1 { "is" } else { "are" };
        reasons.push(format!("{} {are} in the destination only", count(*extra, "record")));
    }
    if *left_out > 0 {
        reasons.push(format!(
            "{} of the source {} left out, because the destination's conversation has gone on differently",
            count(*left_out, "event"),
            were(left_out)
        ));
    }
    if *missing > 0 {
        reasons.push(format!(
            "{} {} removed while the source was read",
            count(*missing, "event"),
            were(missing)
        ));
    }
    if *changed {
        reasons.push("the source has changed meanwhile".to_owned());
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

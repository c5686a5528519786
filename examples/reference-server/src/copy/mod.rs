//! `convor-server copy`: from one storage to another, or to and from an archive.

mod archive;
mod file;
mod shown;

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use convor::ids::TenantId;
use convor::ports::Storage;
use convor::transfer::{Copied, Digest, Progress, copy, digest};

use crate::args::Copy;
use crate::storage::{Place, open_destination, open_source};
use shown::Shown;

/// Copies what the command line says.
pub(crate) async fn run(args: Copy) -> anyhow::Result<()> {
    let these: Vec<_> = args.tenants.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let these = if these.is_empty() { None } else { Some(these.as_slice()) };
    match (args.from.place().context("--from")?, args.to.place().context("--to")?) {
        (Place::Archive(_), Place::Archive(_)) => bail!("an archive is copied by copying the file"),
        (Place::Archive(from), to) => {
            archive::read(&from, open_destination(to).await.context("the destination")?.as_ref(), these).await
        }
        (from, Place::Archive(to)) => {
            archive::write(open_source(from).await.context("the source")?.as_ref(), &to, these).await
        }
        (from, to) => {
            let from = open_source(from).await.context("the source")?;
            let to = open_destination(to).await.context("the destination")?;
            between(from.as_ref(), to.as_ref(), these).await
        }
    }
}

async fn between(from: &dyn Storage, to: &dyn Storage, these: Option<&[TenantId]>) -> anyhow::Result<()> {
    let (mut shown, mut outcome) = (Shown::without_total(), Outcome::default());
    copy(from, to, these, &mut |progress| match progress {
        Progress::Records { tenant, records, .. } => shown.records(tenant, records),
        Progress::Tenant(copied) => outcome.note(copied),
        _ => {}
    })
    .await?;
    shown.end();
    outcome.compare(to).await
}

/// What has been copied, and is to be compared.
#[derive(Debug, Default)]
struct Outcome {
    /// What each tenant's records came to, and whether they were taken as they were.
    tenants: Vec<(TenantId, Digest, bool)>,
    inexact: Vec<String>,
}

impl Outcome {
    fn note(&mut self, copied: &Copied) {
        let tenant = copied.digest.tenant;
        self.tenants.push((tenant, copied.digest.sha256, copied.is_exact()));
        if !copied.is_exact() {
            let Copied { different, extra, left_out, missing, changed, .. } = copied;
            let changed = if *changed { "; the source has changed meanwhile" } else { "" };
            self.inexact.push(format!(
                "tenant {tenant}: {different} records differ and were left as they are, {extra} are in the destination only, \
                {left_out} do not fit to another copy of their conversation and were left out, {missing} events are missing\
                {changed}"
            ));
        }
    }

    /// Reads the destination again, and says of each tenant whether it holds what the source held.
    async fn compare(self, to: &dyn Storage) -> anyhow::Result<()> {
        let mut different = 0;
        for (tenant, expected, exact) in self.tenants {
            let found = digest(to, tenant).await?;
            let equal = exact && found.sha256 == expected;
            different += u32::from(!equal);
            let verdict = if equal { "equal" } else { "different" };
            println!("{tenant} {} records, SHA-256 {}: {verdict}", found.records(), found.sha256);
        }
        for line in &self.inexact {
            eprintln!("{line}");
        }
        if different > 0 {
            bail!(
                "{different} tenants are not in the destination as they are in the source; stop the servers, and copy into an \
                empty destination"
            );
        }
        Ok(())
    }
}

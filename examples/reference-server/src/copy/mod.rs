//! `convor-server copy`: from one storage to another, or to and from an archive.

mod archive;
mod file;
mod outcome;
mod shown;

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use convor::ids::TenantId;
use convor::ports::Storage;
use convor::transfer::{Progress, Tenants, TransferError, copy};

use crate::args::Copy;
use crate::serve::shutdown_signal;
use crate::storage::{Place, open_destination, open_source};
use outcome::Outcome;
use shown::Shown;

/// Copies what the command line says, unless it is told to stop.
pub(crate) async fn run(args: Copy) -> anyhow::Result<()> {
    let stays = match args.to.place() {
        Ok(Place::Archive(_)) => "it begins anew",
        _ => "what has been copied stays",
    };
    tokio::select! {
        done = between(args) => done,
        () = shutdown_signal()? => bail!("cut off; run the same command again, {stays}"),
    }
}

async fn between(args: Copy) -> anyhow::Result<()> {
    let these: Vec<_> = args.tenants.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let these = if these.is_empty() { None } else { Some(these.as_slice()) };
    // The destination comes last: what is wrong with the source is to leave nothing behind there.
    match (args.from.place().context("--from")?, args.to.place().context("--to")?) {
        (Place::Archive(_), Place::Archive(_)) => bail!("an archive is copied by copying the file"),
        (Place::Archive(from), to) => {
            let archive = archive::Whole::open(&from, these).await?;
            archive.read(open_destination(to).await.context("the destination")?.as_ref()).await
        }
        (from, Place::Archive(to)) => {
            let from = open_source(from).await.context("the source")?;
            let tenants = count(from.as_ref(), these).await?;
            archive::write(from.as_ref(), &to, these, tenants).await
        }
        (from, to) => {
            let from = open_source(from).await.context("the source")?;
            let tenants = count(from.as_ref(), these).await?;
            let to = open_destination(to).await.context("the destination")?;
            storages(from.as_ref(), to.as_ref(), these, tenants).await
        }
    }
}

/// How many tenants are to be copied; each of them is there.
async fn count(from: &dyn Storage, these: Option<&[TenantId]>) -> Result<u64, TransferError> {
    let (mut tenants, mut number) = (Tenants::of(from, these), 0);
    while tenants.next().await?.is_some() {
        number += 1;
    }
    Ok(number)
}

async fn storages(
    from: &dyn Storage,
    to: &dyn Storage,
    these: Option<&[TenantId]>,
    tenants: u64,
) -> anyhow::Result<()> {
    let (mut shown, mut outcome) = (Shown::without_total(tenants), Outcome::default());
    copy(from, to, these, &mut |progress| match progress {
        Progress::Records { records, .. } => shown.records(records),
        Progress::Tenant(copied) => {
            shown.finished();
            outcome.note(copied);
        }
        _ => {}
    })
    .await?;
    outcome.compare(to, &mut shown).await
}

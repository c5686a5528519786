//! Words that say that something is unfinished, switched off or silenced.

use anyhow::Result;

use crate::steps::none_of;
use crate::workspace::Workspace;

/// For sources by their extension, what they must not contain. Each word is written in two parts, as this
/// file is a source as well.
const FORBIDDEN: [(&str, &[&str]); 2] = [
    (
        "rs",
        &[
            concat!("todo", "!("),
            concat!("unimplemented", "!("),
            concat!("dbg", "!("),
            concat!("#[", "ignore"),
            concat!("#[", "allow("),
            concat!("#![", "allow("),
        ],
    ),
    ("js", &[concat!("@ts-", "ignore"), concat!("@ts-", "nocheck"), concat!("debug", "ger;")]),
];

pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let mut findings = Vec::new();
    for file in workspace.files()? {
        for (_, words) in
            FORBIDDEN.iter().filter(|(extension, _)| file.extension().is_some_and(|e| e == *extension))
        {
            for (number, line) in (1..).zip(workspace.read(&file)?.lines()) {
                let found = words.iter().filter(|word| line.contains(**word));
                findings.extend(found.map(|word| format!("{}:{number}: {word}", file.display())));
            }
        }
    }
    none_of(&findings)
}

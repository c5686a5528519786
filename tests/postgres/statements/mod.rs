//! No statement of the adapter reads or writes a tenant's rows without naming the tenant: the static check, what it has to
//! refuse, and every statement that there is.

mod corpus;
mod functions;

use std::fs;
use std::path::{Path, PathBuf};

use convor_tests::tenant_check::{
    ACROSS, Catalog, DEFINERS, EXEMPT, Function, Migration, Subject, Summary, sql_literals,
};

use corpus::{CORPUS, Verdict};

/// What is sent that the check refuses, by its file and how it begins, and why it is sent all the same.
const ADMITTED: &[(&str, &str, &str)] = &[
    (
        "src/broker/connection.rs",
        "SELECT pg_catalog.set_config(name, wanted.value, false)",
        "settings of the broker's own connections, which read no table",
    ),
    ("src/migrate.rs", "CREATE ROLE ", "the application's role, made by the owner"),
    ("src/migrate.rs", "there is no role ", "what an administrator is told to send"),
    ("src/migrate.rs", "REVOKE ALL ON ", "its rights, taken by the owner"),
    ("src/migrate.rs", "GRANT ", "its rights, given by the owner"),
];

/// The functions that the corpus calls.
const CORPUS_FUNCTIONS: &str = "
    CREATE FUNCTION convor.visitors_find(p_tenant uuid, p_visitor uuid) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$;
    CREATE FUNCTION convor.registry_due(p_now bigint, p_limit bigint) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$;";

#[test]
fn the_corpus_is_judged_as_it_says() {
    let functions = Migration::read("corpus", CORPUS_FUNCTIONS).expect("functions");
    let catalog = Catalog::of(functions.functions()).expect("one function a name");
    let (mut accepted, mut refused) = (0, 0);
    for (sql, verdict, rule) in CORPUS {
        let result = Subject::sent("corpus", sql).and_then(|subject| subject.check(&catalog));
        match (verdict, result) {
            (Verdict::Accepted, Ok(_)) => accepted += 1,
            (Verdict::Refused(reason), Err(refusal)) if refusal.to_string().contains(reason) => refused += 1,
            (_, result) => panic!("{rule}: {sql}: {result:?}"),
        }
    }
    println!("proof-columns: Static tenant check | what | statements | accepted | refused");
    println!(
        "proof: Static tenant check | a corpus of statements by rule | {} | {accepted} | {refused}",
        CORPUS.len()
    );
}

#[test]
fn every_function_names_the_tenant_in_every_statement() {
    let functions = functions();
    let catalog = Catalog::of(&functions).expect("one function a name");
    let (mut statements, mut mutants, mut bound, mut exempt) = (0, 0, 0, 0);
    for function in &functions {
        for statement in function.statements().unwrap_or_else(|refusal| panic!("{refusal}")) {
            let (summary, of_it) = hold(&statement, &catalog);
            (bound, exempt) = (bound + summary.bound, exempt + summary.exempt);
            (statements, mutants) = (statements + 1, mutants + of_it);
        }
    }
    let across = |name: &str| functions.iter().any(|function| function.name() == name);
    assert!(ACROSS.iter().chain(&DEFINERS).all(|(name, _)| across(name)), "an exception for nothing");
    let without: Vec<_> =
        functions.iter().filter(|function| !function.has_tenant()).map(Function::name).collect();
    assert!(statements > 0 && mutants > 0, "there is something to check");
    println!("proof-columns: Static tenant check | what | statements | accepted | refused");
    println!(
        "proof: Static tenant check | statements and expressions of {} functions ({} of them without a tenant: {}) | {statements} | {statements} | 0",
        functions.len(),
        without.len(),
        without.join(", ")
    );
    println!(
        "proof: Static tenant check | the same, each with one mention of the tenant removed or falsified | {mutants} | 0 | {mutants}"
    );
    println!(
        "proof: Static tenant check | names of tables in them: {bound} bound to the tenant; of {} in functions without one {exempt} | | | ",
        EXEMPT.join(", ")
    );
}

#[test]
fn every_statement_that_is_sent_names_the_tenant_first() {
    let functions = functions();
    let catalog = Catalog::of(&functions).expect("one function a name");
    let (mut sent, mut mutants, mut admitted) = (0, 0, Vec::new());
    for file in rust_files(&adapter().join("src")) {
        let name = file.strip_prefix(adapter()).expect("a file of the adapter").display().to_string();
        let text = fs::read_to_string(&file).expect("a file");
        for (line, sql) in sql_literals(&text) {
            let begins =
                |(of, begin, _): &&(&str, &str, &str)| *of == name && sql.trim_start().starts_with(begin);
            if let Some(exception) = ADMITTED.iter().find(begins) {
                admitted.push(exception.1);
                continue;
            }
            let subject = Subject::sent(format!("{name}:{line}"), &sql)
                .unwrap_or_else(|refusal| panic!("{name}:{line}: {refusal}"));
            mutants += hold(&subject, &catalog).1;
            sent += 1;
        }
    }
    assert!(
        ADMITTED.iter().all(|(_, begin, _)| admitted.contains(begin)),
        "an exception for nothing: {admitted:?}"
    );
    assert!(sent > 0, "there is something to check");
    println!("proof-columns: Static tenant check | what | statements | accepted | refused");
    println!(
        "proof: Static tenant check | statements that are sent ({} exceptions) | {sent} | {sent} | 0",
        admitted.len()
    );
    println!(
        "proof: Static tenant check | the same, each with the tenant falsified | {mutants} | 0 | {mutants}"
    );
}

/// Fails unless the statement is accepted and each of its mutants refused; what it names, and how many mutants there are.
fn hold(statement: &Subject, catalog: &Catalog) -> (Summary, usize) {
    let summary = statement
        .check(catalog)
        .unwrap_or_else(|refusal| panic!("{}: {refusal}: {}", statement.origin(), statement.text()));
    let mutants = statement.mutants(catalog);
    for mutant in &mutants {
        assert!(mutant.check(catalog).is_err(), "{}: accepted: {}", mutant.origin(), mutant.text());
    }
    (summary, mutants.len())
}

/// The functions of all migrations.
pub(crate) fn functions() -> Vec<Function> {
    let folder = adapter().join("migrations");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("migrations").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let read = |file: &PathBuf| {
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
        let migration = Migration::read(name, &fs::read_to_string(file).expect("a file"));
        migration.unwrap_or_else(|refusal| panic!("{refusal}")).functions().to_vec()
    };
    files.iter().flat_map(read).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn adapter() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../convor-postgres")
}

//! Functions that have forgotten the tenant somewhere, in a database full of another tenant's rows with the same ids: the
//! policies give what the condition would have given.
//!
//! Each function is called with what leads it into each of its branches. Then each of its tenant predicates is replaced by
//! `TRUE`, one at a time, and the same calls must answer the same and leave the same rows. That this shows something,
//! the same functions show where no policy applies: there they do answer otherwise.

use convor_tests::database::APPLICATION;
use convor_tests::tenant_check::Function;
use sqlx::{AssertSqlSafe, PgConnection};

use super::values::Values;
use super::{EXEMPT, SAYS, filled};
use crate::schema::{connect, run, tables, texts};
use crate::statements::functions;

/// What a call has answered, or with which SQLSTATE it has failed, and a digest of every row there is after it.
#[derive(Debug, PartialEq, Eq)]
struct Effect {
    answer: Result<Vec<String>, String>,
    rows: String,
}

#[tokio::test]
async fn a_forgotten_predicate_lets_nothing_through() {
    let (database, [own, _]) = filled().await;
    let mut superuser = connect(&database.superuser_url()).await;
    let digest = digest_of_rows(&tables(&mut superuser).await);
    let values = Values::of(&own, &mut superuser).await;
    let (mut forgotten, mut calls, mut leaking, mut exempt) = (0, 0, 0, 0);
    for function in functions().into_iter().filter(Function::has_tenant) {
        let mutants = function.without_a_predicate();
        let variants = variants(&mut superuser, function.name(), &values).await;
        let mut sound = Vec::new();
        for call in &variants {
            sound.push(effect(&mut superuser, None, APPLICATION, call, &digest).await);
        }
        for (table, mutant) in &mutants {
            if EXEMPT.contains(&table.as_str()) {
                exempt += 1;
                continue;
            }
            let mut leaks = false;
            for (call, sound) in variants.iter().zip(&sound) {
                let guarded = effect(&mut superuser, Some(mutant), APPLICATION, call, &digest).await;
                assert_eq!(&guarded, sound, "{call} of {mutant}");
                if let Ok(answer) = &guarded.answer {
                    assert!(!answer.iter().any(|row| row.contains(SAYS[1])), "{call} of {mutant}");
                }
                leaks |= effect(&mut superuser, Some(mutant), "postgres", call, &digest).await != *sound;
                calls += 1;
            }
            leaking += usize::from(leaks);
            forgotten += 1;
        }
    }
    assert!(leaking * 2 > forgotten, "of {forgotten} only {leaking} would leak: the calls show too little");
    println!("proof-columns: Row-level security | what | tables | rows");
    println!(
        "proof: Row-level security | functions with one tenant predicate replaced by TRUE: {forgotten}, in {calls} calls | | 0"
    );
    println!(
        "proof: Row-level security | predicates of {}, which the static check alone demands: {exempt} | | ",
        EXEMPT.join(" and ")
    );
    println!(
        "proof: Row-level security | of the functions without a predicate, other answers or rows where no policy applies: {leaking} | | "
    );
}

/// Calls a function, in place of which `mutant` may have been put, and undoes everything.
async fn effect(
    connection: &mut PgConnection,
    mutant: Option<&str>,
    role: &str,
    call: &str,
    digest: &str,
) -> Effect {
    run(connection, "BEGIN").await;
    if let Some(mutant) = mutant {
        run(connection, mutant).await;
    }
    run(connection, &format!("SET LOCAL ROLE {role}")).await;
    run(connection, "SAVEPOINT before").await;
    let sql = format!("SELECT x::text FROM {call} AS x");
    let answered = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut *connection).await;
    let answer = answered.map_err(|error| {
        let code = error.as_database_error().and_then(|error| error.code());
        code.unwrap_or_else(|| panic!("{call}: {error}")).into_owned()
    });
    if answer.is_err() {
        run(connection, "ROLLBACK TO before").await;
    }
    run(connection, "RESET ROLE").await;
    let rows = texts(connection, digest).await.remove(0);
    run(connection, "ROLLBACK").await;
    Effect { answer, rows }
}

/// A query for a digest of every row of these tables.
fn digest_of_rows(tables: &[String]) -> String {
    let parts = tables.iter().map(|table| {
        format!("(SELECT coalesce(string_agg(t::text, '|' ORDER BY t::text COLLATE \"C\"), '') FROM convor.{table} t)")
    });
    format!("SELECT md5(concat({}))", parts.collect::<Vec<_>>().join(", "))
}

/// Calls of a function that lead into its branches: one with what is there, and for each parameter with other values of
/// interest one for each of them.
async fn variants(connection: &mut PgConnection, function: &str, values: &Values<'_>) -> Vec<String> {
    let parameters = format!(
        "SELECT p.name || ' ' || format_type(p.type, NULL) FROM pg_proc f, \
         unnest(f.proargnames[1:f.pronargs], f.proargtypes::oid[]) WITH ORDINALITY AS p (name, type, place) \
         WHERE f.pronamespace = 'convor'::regnamespace AND f.proname = '{function}' ORDER BY p.place"
    );
    let parameters = texts(connection, &parameters).await;
    let parameters: Vec<_> =
        parameters.iter().map(|parameter| parameter.split_once(' ').expect("a type")).collect();
    let call = |changed: Option<(&str, &str)>| {
        let values = parameters.iter().map(|(name, kind)| {
            let value = changed.filter(|(changed, _)| changed == name).map(|(_, value)| value.to_owned());
            format!("({})::{kind}", value.unwrap_or_else(|| values.usual(function, name, kind)))
        });
        format!("convor.{function}({})", values.collect::<Vec<_>>().join(", "))
    };
    let mut calls = vec![call(None)];
    for (name, kind) in &parameters {
        calls.extend(values.others(function, name, kind).iter().map(|value| call(Some((name, value)))));
    }
    calls
}

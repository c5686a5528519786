//! Many runs: of the system as it is, in which everything is right, and of the system with something wrong on purpose, which
//! is found.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use convor_tests::environment::proving;

use crate::bug::PLANTED;
use crate::run::{Outcome, run};
use crate::total::Total;

/// Names the one seed that is run.
const SEED: &str = "CONVOR_SEED";

/// How often one seed is run: what hash maps do is not for the seed to say.
const REPEATS: usize = 20;

/// In how many seeds something that is wrong has to be found.
const TRIED_MAX: u64 = 200;

const COLUMNS: &str =
    "proof-columns: Simulation | what | seeds | simulated hours | messages | what befell it | violations";

#[test]
fn everything_is_right_whatever_befalls_the_system() {
    let one = std::env::var(SEED).ok().map(|seed| seed.parse().expect("a number"));
    let seeds: Vec<u64> = match one {
        Some(seed) => vec![seed; REPEATS],
        None => (0..if proving() { 1_000 } else { 24 }).collect(),
    };
    let (total, wrong) = (Mutex::new(Total::default()), Mutex::new(None));
    each(&seeds, |seed| {
        let outcome = run(*seed, None);
        lock(&total).add(&outcome);
        if outcome.violation.is_some() {
            lock(&wrong).get_or_insert(outcome);
        }
    });
    if let Some(outcome) = &*lock(&wrong) {
        panic!("{} of {} runs went wrong, this one first:\n{outcome}", lock(&total).violations, seeds.len());
    }
    let total = lock(&total);
    println!("{COLUMNS}");
    println!("proof: Simulation | as it is | {total}");
}

#[test]
fn whatever_is_wrong_is_found() {
    let found = Mutex::new(Vec::new());
    each(PLANTED, |planted| {
        let breaks = |outcome: &Outcome| {
            outcome.violation.as_ref().is_some_and(|violation| planted.breaks.contains(&violation.rule))
        };
        let runs = (0..TRIED_MAX).map(|seed| run(seed, Some(planted.bug)));
        let (tried, outcome) = runs
            .enumerate()
            .find(|(_, outcome)| breaks(outcome))
            .unwrap_or_else(|| panic!("in {TRIED_MAX} seeds nobody finds that {}", planted.what));
        lock(&found).push((planted.what, tried + 1, outcome));
    });
    println!("{COLUMNS}");
    for (what, seeds, Outcome { violation, .. }) in lock(&found).iter() {
        let rule = violation.as_ref().map_or("", |violation| violation.rule);
        println!(
            "proof: Simulation | on purpose: {what} | {seeds} |  |  |  | found: does not hold that {rule}"
        );
    }
}

#[test]
fn a_seed_says_what_befalls_the_system() {
    let seeds: Vec<u64> = (0..if proving() { 50 } else { 2 }).collect();
    let same = AtomicUsize::new(0);
    each(&seeds, |seed| {
        let [one, other] = [run(*seed, None), run(*seed, None)];
        assert_eq!(kinds(&one), kinds(&other), "seed {seed}");
        same.fetch_add(usize::from(one.digest == other.digest), Ordering::Relaxed);
    });
    let same = same.into_inner();
    // Of few it may be none, since hash maps differ.
    assert!(
        !proving() || 2 * same >= seeds.len(),
        "{same} of {} are the same to the millisecond",
        seeds.len()
    );
    println!("{COLUMNS}");
    println!(
        "proof: Simulation | the same twice, of which {same} were the same to the millisecond | {} |  |  |  | ",
        seeds.len()
    );
}

/// What befell the system, without the times: a drain takes as long as it takes.
fn kinds(outcome: &Outcome) -> Vec<&str> {
    outcome.faults.iter().filter_map(|fault| Some(fault.split_once(" s ")?.1)).collect()
}

/// Does the work for each of these, on all processors.
fn each<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(one);
                }
            });
        }
    });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

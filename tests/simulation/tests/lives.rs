//! Many random lives: no wrong accusation, no missed exception, and every life ends correctly.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};
use simulation::Life;
use simulation::story::story;
use simulation::summary::Summary;
use simulation::truth::course;

/// A figure from the environment, for longer runs.
#[expect(
    clippy::disallowed_methods,
    reason = "a test reads how long it is to run; production reads it in runtime::config"
)]
fn figure(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn wrong(life: &Life) -> Vec<String> {
    let built = life.build();
    course(&built, &built.play()).wrong
}

/// The simplest life with the same error.
fn shrink(mut tree: impl ValueTree<Value = Life>, why: &String) -> Life {
    let mut best = tree.current();
    'simpler: while tree.simplify() {
        while !wrong(&tree.current()).contains(why) {
            if !tree.complicate() {
                break 'simpler;
            }
        }
        best = tree.current();
    }
    best
}

#[test]
#[expect(
    clippy::disallowed_macros,
    reason = "the figures of a test run are for the person who started it"
)]
fn no_life_is_decided_wrongly() {
    let lives = figure("SIMULATION_LIVES", 2_000);
    let seed = u8::try_from(figure("SIMULATION_SEED", 0)).unwrap();
    let mut runner = simulation::strategy::runner(seed);
    let strategy = simulation::strategy::life();
    let mut summary = Summary::default();
    let mut found: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for _ in 0..lives {
        let tree = strategy.new_tree(&mut runner).unwrap();
        let built = tree.current().build();
        let record = built.play();
        let course = course(&built, &record);
        summary.add(&built, &record, &course);
        let Some(first) = course.wrong.first() else {
            continue;
        };
        if let Some(known) = found.get_mut(first) {
            known.0 += 1;
        } else {
            let built = shrink(tree, first).build();
            found.insert(first.clone(), (1, story(&built, &built.play())));
        }
    }
    println!("{summary}");
    for (wrong, (count, story)) in &found {
        println!("\n{count} times: {wrong}\n{story}");
    }
    assert!(found.is_empty(), "{} kinds of wrong decisions; see above", found.len());
    if lives >= 2_000 {
        assert!(summary.missing().is_empty(), "never met: {:?}", summary.missing());
    }
}

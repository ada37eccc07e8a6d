//! Many random lives: no wrong accusation, no missed exception.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use simulation::truth::{Class, Truth};

#[test]
fn explore() {
    let mut runner = TestRunner::deterministic();
    let lives = simulation::strategy::life();
    let mut bad = std::collections::BTreeMap::<String, (usize, String)>::new();
    let mut classes = std::collections::BTreeMap::<Class, usize>::new();
    for _ in 0..2000 {
        let life = lives.new_tree(&mut runner).unwrap().current();
        let built = life.build();
        let record = built.play();
        let truth = Truth::of(&built.world);
        for decided in &record.decided {
            let assessed = truth.assess(decided, &record, decided.at);
            *classes.entry(assessed.class).or_default() += 1;
            if matches!(assessed.class, Class::WrongAccusation | Class::MissedException) {
                bad.entry(assessed.why.clone()).or_insert_with(|| (0, format!("{life:#?}"))).0 += 1;
            }
        }
    }
    println!("{classes:?}");
    for (why, (count, _)) in &bad {
        println!("{count} {why}");
    }
}

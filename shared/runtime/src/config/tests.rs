//! What counts as set, what is rejected, and that every problem is reported together without revealing a secret.

use super::*;

#[test]
fn problems_are_reported_together_in_reading_order() {
    let mut env = Environment::from_pairs([
        ("DRY_RUN", "maybe"),
        ("PAGE_SIZE", "0"),
        ("API_URL", "ftp://x"),
        ("EMPTY", ""),
    ]);
    env.required("QUEUE_URL");
    env.flag("DRY_RUN", false);
    env.number("PAGE_SIZE", 100, 1..=100);
    env.url("API_URL");
    env.required("EMPTY");
    env.problem("MODE", "contradicts DRY_RUN");
    let error = env.finish().unwrap_err();
    assert_eq!(error.problems().len(), 6);
    assert_eq!(
        error.to_string(),
        "invalid environment: QUEUE_URL is not set; DRY_RUN must be true or false: \"maybe\"; \
         PAGE_SIZE is not a whole number from 1 to 100: \"0\"; API_URL is not an http or https address: \"ftp://x\"; \
         EMPTY is not set; MODE contradicts DRY_RUN"
    );
}

#[test]
fn an_empty_string_is_as_good_as_unset() {
    let mut env = Environment::from_pairs([("A", "")]);
    assert_eq!(env.optional("A"), None);
    assert!(env.flag("A", true));
    assert_eq!(env.number("A", 7, 1..=9), 7);
    assert_eq!(env.url("A"), None);
    assert_eq!(env.path("A", "rules.yaml"), PathBuf::from("rules.yaml"));
    assert_eq!(env.finish(), Ok(()));
}

#[test]
fn flags_are_read_in_their_usual_spellings() {
    for (text, expected) in [
        ("true", true),
        ("TRUE", true),
        ("1", true),
        ("on", true),
        ("No", false),
        ("off", false),
        ("0", false),
    ] {
        let mut env = Environment::from_pairs([("F", text)]);
        assert_eq!(env.flag("F", !expected), expected, "{text}");
        assert_eq!(env.finish(), Ok(()), "{text}");
    }
}

#[test]
fn value_of_a_secret_variable_is_never_repeated() {
    let table = [
        ("SLACK_TOKEN", "xoxb-hunter2"),
        ("webhook_secret", "hunter2"),
        ("DATABASE_URL", "hunter2"),
        ("API_URL", "ftp://user:hunter2@host/"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
    ];
    for (name, value) in table {
        let mut env = Environment::from_pairs([(name, value)]);
        env.url(name);
        env.number(name, 1, 1..=2);
        let shown = format!("{env:?}");
        let error = env.finish().unwrap_err();
        assert!(
            !format!("{shown}{error}{error:?}").contains("hunter2"),
            "{name}: {error}"
        );
        assert!(error.to_string().contains(name));
    }
}

#[test]
fn relative_path_starts_at_the_task_root() {
    let pairs = [
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("RULES_PATH", "rules.yaml"),
        ("CA_PATH", "/etc/ca.pem"),
    ];
    let mut env = Environment::from_pairs(pairs);
    assert_eq!(env.path("RULES_PATH", "x"), PathBuf::from("/var/task/rules.yaml"));
    assert_eq!(env.path("CA_PATH", "x"), PathBuf::from("/etc/ca.pem"));
    assert_eq!(
        env.path("OTHER_PATH", "default.yaml"),
        PathBuf::from("/var/task/default.yaml")
    );
}

#[test]
fn a_finished_environment_starts_again_without_problems() {
    let mut env = Environment::from_pairs([]);
    env.required("X");
    assert!(env.finish().is_err());
    assert_eq!(env.finish(), Ok(()));
}

#[test]
fn text_that_is_not_unicode_is_one_problem() {
    let mut env = Environment {
        values: HashMap::from([("X".to_owned(), Value::NotUnicode)]),
        problems: Vec::new(),
        names_read: std::collections::BTreeSet::new(),
    };
    env.required("X");
    assert_eq!(
        env.finish().unwrap_err().to_string(),
        "invalid environment: X is not valid UTF-8"
    );
}

proptest::proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in ".*") {
        let mut env = Environment::from_pairs([("X", text.as_str())]);
        env.flag("X", false);
        env.number("X", 1, 0..=u64::MAX);
        env.url("X");
        env.path("X", "");
        let _ = env.finish();
    }
}

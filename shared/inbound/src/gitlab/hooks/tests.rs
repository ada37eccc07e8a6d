//! The secret's formats, the union of its versions, and entries that disable only themselves.

use std::collections::BTreeSet;

use model::ProjectId;

use super::*;

const TOKEN: &str = "whsec_Y291bnRlcnNpZ24tdGVzdC1rZXktb2YtMzItYnl0ZXM=";

fn parse(json: &str) -> WebhookSecret {
    WebhookSecret::parse(&json.into()).unwrap()
}

fn problems(json: &str) -> Vec<String> {
    HookSet::merge([parse(json)])
        .1
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn holders(set: &HookSet, token: &str) -> Vec<String> {
    set.with_secret_token(token)
        .into_iter()
        .map(|hook| hook.name.clone())
        .collect()
}

/// A version of the secret with these entries.
fn version(entries: &[&str]) -> WebhookSecret {
    parse(&format!(r#"{{"hooks": [{}]}}"#, entries.join(",")))
}

#[test]
fn a_full_secret_is_read() {
    let secret = parse(&format!(
        r#"{{"hooks": [{{"name": "main", "instance": "gitlab", "signing_tokens": ["{TOKEN}"], "secret_tokens": ["plain"],
             "projects": [7, 8], "namespaces": ["platform/"]}}],
            "audit_producers": [{{"name": "agent", "key": "k"}}],
            "gitlab_streams": [{{"name": "s", "token": "t", "instance": "gitlab"}}], "version": 3}}"#
    ));
    let (set, problems) = HookSet::merge([secret.clone()]);
    assert_eq!(problems, []);
    assert!(!set.is_empty());
    let hook = &set.hooks()[0];
    assert_eq!((hook.name.as_str(), hook.instance.as_str()), ("main", "gitlab"));
    assert_eq!(hook.projects, BTreeSet::from([ProjectId(7), ProjectId(8)]));
    assert_eq!((set.signing_tokens.len(), set.secret_tokens.len()), (1, 1));
    assert_eq!((secret.audit_producers.len(), secret.gitlab_streams.len()), (1, 1));
}

#[test]
fn nothing_configured_is_an_empty_set() {
    for json in [
        "{}",
        r#"{"hooks": null}"#,
        r#"{"hooks": [{"name": "a", "instance": "i", "signing_tokens": null}]}"#,
    ] {
        let (set, problems) = HookSet::merge([parse(json)]);
        assert!(set.is_empty(), "{json}");
        assert_eq!(problems, []);
    }
    assert!(HookSet::merge([]).0.is_empty());
}

#[test]
fn merged_versions_take_bindings_from_the_current() {
    let current = parse(r#"{"hooks": [{"name": "main", "instance": "new", "secret_tokens": ["b"], "projects": [1]}]}"#);
    let previous = parse(
        r#"{"hooks": [{"name": "main", "instance": "old", "secret_tokens": ["a"]},
                      {"name": "gone", "instance": "old", "secret_tokens": ["c"]}]}"#,
    );
    let (set, problems) = HookSet::merge([current, previous]);
    assert_eq!(problems, []);
    let [main, gone] = set.hooks() else {
        panic!("two hooks expected")
    };
    assert_eq!(main.instance, "new");
    assert_eq!(main.projects, BTreeSet::from([ProjectId(1)]));
    assert_eq!(gone.name, "gone");
    for (token, hook) in [("a", "main"), ("b", "main"), ("c", "gone")] {
        assert_eq!(holders(&set, token), [hook]);
    }
}

#[test]
fn bad_token_is_ignored_alone_without_showing_it() {
    let json = format!(
        r#"{{"hooks": [{{"name": "main", "instance": "gitlab", "signing_tokens": ["whsec_c2VjcmV0", "{TOKEN}", "hunter2"],
             "secret_tokens": ["", "\n", "plain"]}}]}}"#
    );
    let (set, _) = HookSet::merge([parse(&json)]);
    assert_eq!((set.signing_tokens.len(), set.secret_tokens.len()), (1, 1));
    assert_eq!(
        problems(&json),
        [
            "hook `main`: signing token number 1 encodes a key of 6 bytes; expected 24 to 64; it is ignored",
            "hook `main`: signing token number 3 does not start with `whsec_`; it is ignored",
            "hook `main`: secret token number 1 is empty; it is ignored",
            "hook `main`: secret token number 2 is empty; it is ignored",
        ]
    );
}

#[test]
fn indistinguishable_entries_are_rejected() {
    let unnamed = r#"{"hooks": [{"name": "", "instance": "i", "secret_tokens": ["a"]}]}"#;
    assert_eq!(
        problems(unnamed),
        ["hook ``: `name` and `instance` must not be empty; the entry is ignored"]
    );
    let twice = r#"{"hooks": [{"name": "a", "instance": "i", "secret_tokens": ["x"]},
                              {"name": "a", "instance": "j", "secret_tokens": ["y"]}]}"#;
    assert_eq!(
        problems(twice),
        ["hook `a`: the name is used twice with different bindings; the second entry is ignored"]
    );
    let same = r#"{"hooks": [{"name": "a", "instance": "i", "secret_tokens": ["x"]},
                             {"name": "a", "instance": "i", "secret_tokens": ["y"]}]}"#;
    assert_eq!(problems(same), Vec::<String>::new());
}

#[test]
fn no_token_is_printed() {
    let secret = parse(&format!(
        r#"{{"hooks": [{{"name": "a", "instance": "i", "signing_tokens": ["{TOKEN}"], "secret_tokens": ["hunter2"]}}],
            "audit_producers": [{{"name": "p", "key": "hunter2"}}],
            "gitlab_streams": [{{"name": "s", "token": "hunter2", "instance": "i"}}]}}"#
    ));
    let printed = format!("{secret:?} {:?}", HookSet::merge([secret.clone()]));
    assert!(!printed.contains("hunter2") && !printed.contains("Y291"), "{printed}");
}

#[test]
fn a_token_of_all_stages_is_tried_once() {
    let entry = format!(
        r#"{{"name": "a", "instance": "i", "signing_tokens": ["{TOKEN}", " {TOKEN}"], "secret_tokens": ["t", "t\n"]}}"#
    );
    let other = r#"{"name": "b", "instance": "i", "projects": [7], "secret_tokens": ["t"]}"#;
    let (set, problems) = HookSet::merge([version(&[&entry]), version(&[&entry, other]), version(&[&entry])]);
    assert_eq!(problems, []);
    assert_eq!((set.signing_tokens.len(), set.secret_tokens.len()), (1, 1));
    assert_eq!(holders(&set, "t"), ["a", "b"]);
}

#[test]
fn an_entry_with_an_unknown_field_is_disabled() {
    let good = r#"{"name": "b", "instance": "i", "secret_tokens": ["b"]}"#;
    let before = r#"{"name": "a", "instance": "i", "projects": [7], "secret_tokens": ["old"]}"#;
    let defects = [
        r#"{"name": "a", "instance": "i", "secret_tokens": ["new"], "project": [7]}"#,
        r#"{"name": "a", "instance": "i", "secret_tokens": ["new"], "projects": "7"}"#,
        r#"{"name": "a", "instance": "", "secret_tokens": ["new"], "projects": [7]}"#,
    ];
    for defect in defects {
        let (set, problems) = HookSet::merge([version(&[defect, good]), version(&[before, good])]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].hook, "a");
        for (token, expected) in [("new", &[][..]), ("old", &[]), ("b", &["b"])] {
            assert_eq!(holders(&set, token), expected, "{defect} {token}");
        }
    }
    let (_, problems) = HookSet::merge([version(&defects[..1])]);
    assert_eq!(
        problems[0].to_string(),
        "hook `a`: the field `project` is unknown; entries of this name are ignored in all versions until this one is corrected"
    );
}

#[test]
fn token_shared_by_two_instances_is_not_accepted() {
    let entry = |name: &str, instance: &str| {
        format!(
            r#"{{"name": "{name}", "instance": "{instance}", "signing_tokens": ["{TOKEN}"], "secret_tokens": ["{name}", "shared"]}}"#
        )
    };
    let (main, acquired) = (entry("main", "main"), entry("acquired", "acquired"));
    let (set, problems) = HookSet::merge([version(&[&main, &acquired]), version(&[&main])]);
    assert!(set.signing_tokens.is_empty());
    assert_eq!(holders(&set, "shared"), Vec::<String>::new());
    assert_eq!(holders(&set, "main"), ["main"]);
    assert_eq!(holders(&set, "acquired"), ["acquired"]);
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "hook `acquired`: signing token number 1 is also a token of hook `main` of another instance; it is accepted for \
             neither; give each instance its own token",
            "hook `acquired`: secret token number 2 is also a token of hook `main` of another instance; it is accepted for \
             neither; give each instance its own token",
        ]
    );
}

#[test]
fn a_newer_version_decides_whose_token_it_is() {
    let now = r#"{"name": "new", "instance": "new", "secret_tokens": ["t"]}"#;
    let before = r#"{"name": "old", "instance": "old", "secret_tokens": ["t", "u"]}"#;
    let (set, problems) = HookSet::merge([version(&[now]), version(&[before])]);
    assert_eq!(holders(&set, "t"), ["new"]);
    assert_eq!(holders(&set, "u"), ["old"]);
    assert_eq!(problems.len(), 1);
    assert!(matches!(&problems[0].problem, HookProblemKind::TokenMoved { other, .. } if other == "new"));
}

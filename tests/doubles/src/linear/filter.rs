//! Filters and their comparators (<https://linear.app/developers/filtering>).

use serde_json::Value;

/// Whether an object with these facts passes a filter, a comparator or a combination of them.
///
/// Adjacent conditions must all hold, as in Linear; `null` as a filter matches everything.
pub(super) fn passes(filter: &Value, facts: &Value) -> bool {
    let Value::Object(conditions) = filter else {
        return filter.is_null();
    };
    conditions
        .iter()
        .all(|(name, condition)| condition.is_null() || holds(name, condition, facts))
}

fn holds(name: &str, condition: &Value, facts: &Value) -> bool {
    let mut several = condition.as_array().into_iter().flatten();
    match name {
        "and" => several.all(|filter| passes(filter, facts)),
        "or" => several.any(|filter| passes(filter, facts)),
        "null" => condition.as_bool() == Some(facts.is_null()),
        "eq" => condition == facts,
        "eqIgnoreCase" => folded(condition) == folded(facts),
        "in" => several.any(|value| value == facts),
        // A field of a missing object matches nothing.
        field => !facts.is_null() && passes(condition, &facts[field]),
    }
}

fn folded(text: &Value) -> Option<String> {
    text.as_str().map(str::to_lowercase)
}

//! The cost of a query (<https://linear.app/developers/rate-limiting#complexity-limits>).
//!
//! A property costs 0.1, an object 1, and a connection its children times its page size (50 without `first`). Linear rejects a
//! query of more than 10,000 points.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast;
use apollo_compiler::executable::{Field, Selection, SelectionSet};
use apollo_compiler::response::JsonMap;

use super::denied::Denied;

/// The most points that one query may cost.
const MOST: u32 = 10_000;
/// The default page size.
const PAGE: f64 = 50.0;

/// The cost of an operation, rounded up, or the rejection of one that is too expensive.
pub(super) fn check(
    document: &ExecutableDocument,
    selections: &SelectionSet,
    variables: &JsonMap,
) -> Result<f64, Denied> {
    let cost = selection_cost(document, selections, variables);
    if cost > f64::from(MOST) {
        return Err(Denied::too_complex(cost, MOST));
    }
    Ok(cost.ceil())
}

fn selection_cost(document: &ExecutableDocument, selections: &SelectionSet, variables: &JsonMap) -> f64 {
    let cost = |selection: &Selection| match selection {
        Selection::Field(field) => field_cost(document, field, variables),
        Selection::InlineFragment(fragment) => selection_cost(document, &fragment.selection_set, variables),
        Selection::FragmentSpread(spread) => spread.fragment_def(document).map_or(0.0, |fragment| {
            selection_cost(document, &fragment.selection_set, variables)
        }),
    };
    selections.selections.iter().map(cost).sum()
}

fn field_cost(document: &ExecutableDocument, field: &Field, variables: &JsonMap) -> f64 {
    let children = selection_cost(document, &field.selection_set, variables);
    if field.selection_set.is_empty() {
        0.1
    } else if field.ty().inner_named_type().ends_with("Connection") {
        children * page(field, variables)
    } else {
        children + 1.0
    }
}

fn page(field: &Field, variables: &JsonMap) -> f64 {
    match field.specified_argument_by_name("first").map(AsRef::as_ref) {
        Some(ast::Value::Int(first)) => first.try_to_f64().unwrap_or(PAGE),
        Some(ast::Value::Variable(name)) => variables
            .get(name.as_str())
            .and_then(apollo_compiler::response::JsonValue::as_f64)
            .unwrap_or(PAGE),
        _ => PAGE,
    }
}

//! A filter as SQL: conditions that the indexes of `audit_events` answer, with their parameters.

use tokio_postgres::types::{ToSql, Type};

use super::filter::{AuditActor, AuditFilter, AuditOutcome, actor_type};
use super::range::after_prefix;
use super::target::TargetKeys;
use super::window::Window;
use crate::connection::Param;
use crate::sql::clean_text;

/// Conditions except the time, and their parameters.
#[derive(Default)]
pub(super) struct SearchStatement {
    conditions: Vec<String>,
    /// One of them whose entries an index has in the order of ids.
    in_order: Option<String>,
    params: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
}

impl SearchStatement {
    /// The conditions of a filter with known targets.
    pub(super) fn new(filter: &AuditFilter, targets: Option<&TargetKeys>) -> Self {
        let mut statement = Self::default();
        match filter.actor {
            Some(AuditActor::Type(actor)) => statement.equal("actor_type", actor_type(actor), Type::TEXT),
            Some(AuditActor::Id(id)) => statement.equal("actor_id", id, Type::UUID),
            None => {}
        }
        statement.in_order = statement.conditions.last().cloned();
        if let Some(action) = &filter.action {
            let range = statement.prefix("action", action);
            statement.conditions.push(range);
        }
        match filter.outcome {
            Some(AuditOutcome::Success) => statement.conditions.push("outcome = 'success'".to_owned()),
            Some(AuditOutcome::Failure) => {
                statement.conditions.push("outcome = 'failure'".to_owned());
                statement.in_order = statement.conditions.last().cloned();
            }
            Some(AuditOutcome::Class(class)) => {
                let place = statement.bind(class.as_str(), Type::TEXT);
                statement
                    .conditions
                    .push(format!("outcome = 'failure' AND error = {place}"));
                statement.in_order = statement.conditions.last().cloned();
            }
            None => {}
        }
        if let Some(service) = &filter.service {
            statement.equal("service", clean_text(service).into_owned(), Type::TEXT);
            statement.in_order = statement.conditions.last().cloned();
        }
        if let Some(id) = filter.entry_id {
            let mut condition = format!("id = {}", statement.bind(id, Type::UUID));
            // An id that another service gave is of version 7, and of the same time, to which the search is limited.
            if id.get_version_num() == 7 {
                let sent = statement.bind(id.to_string(), Type::TEXT);
                condition = format!("({condition} OR details ->> 'producer_entry_id' = {sent})");
            }
            statement.conditions.push(condition);
        }
        if let Some(id) = filter.correlation_id {
            statement.equal("correlation_id", id, Type::UUID);
        }
        if let Some(id) = &filter.trace_id {
            statement.equal("trace_id", clean_text(id).into_owned(), Type::TEXT);
        }
        if let Some(targets) = targets {
            let any = statement.targets(targets);
            if !targets.is_range() {
                statement.in_order = Some(any.clone());
            }
            statement.conditions.push(any);
        }
        statement
    }

    /// All conditions as one; `true` without any.
    pub(super) fn conditions(&self) -> String {
        if self.conditions.is_empty() {
            "true".to_owned()
        } else {
            self.conditions.join(" AND ")
        }
    }

    /// The condition for scanning entries in the order of ids, with the fewest skipped.
    pub(super) fn in_order(&self) -> String {
        self.in_order.clone().unwrap_or_else(|| "true".to_owned())
    }

    /// The condition that an id is in a window.
    pub(super) fn within(&mut self, window: Window) -> String {
        let low = self.bind(window.low, Type::UUID);
        let high = self.bind(window.high, Type::UUID);
        format!("id >= {low} AND id < {high}")
    }

    /// Adds a parameter and returns its placeholder.
    pub(super) fn bind(&mut self, value: impl ToSql + Sync + Send + 'static, of: Type) -> String {
        self.params.push((Box::new(value), of));
        format!("${}", self.params.len())
    }

    /// The parameters for the driver.
    pub(super) fn params(&self) -> Vec<Param<'_>> {
        let params = self.params.iter();
        params
            .map(|(value, of)| (value.as_ref() as &(dyn ToSql + Sync), of.clone()))
            .collect()
    }

    fn equal(&mut self, column: &str, value: impl ToSql + Sync + Send + 'static, of: Type) {
        self.compare(column, "=", value, of);
    }

    fn compare(&mut self, column: &str, operator: &str, value: impl ToSql + Sync + Send + 'static, of: Type) {
        let place = self.bind(value, of);
        self.conditions.push(format!("{column} {operator} {place}"));
    }

    /// A range instead of `LIKE`: no escapes, and every plan can use it.
    pub(super) fn prefix(&mut self, column: &str, prefix: &str) -> String {
        let from = self.bind(clean_text(prefix).into_owned(), Type::TEXT);
        match after_prefix(&clean_text(prefix)) {
            Some(end) => {
                let end = self.bind(end, Type::TEXT);
                format!("({column} >= {from} AND {column} < {end})")
            }
            None => format!("{column} >= {from}"),
        }
    }

    fn targets(&mut self, targets: &TargetKeys) -> String {
        match targets {
            TargetKeys::Exact(keys) => match keys.as_slice() {
                [key] => format!("target_key = {}", self.bind(key.clone(), Type::TEXT)),
                keys => format!("target_key = ANY ({})", self.bind(keys.to_vec(), Type::TEXT_ARRAY)),
            },
            TargetKeys::Prefixes(prefixes) => {
                let ranges: Vec<String> = prefixes
                    .iter()
                    .map(|prefix| self.prefix("target_key", prefix))
                    .collect();
                format!("({})", ranges.join(" OR "))
            }
        }
    }
}

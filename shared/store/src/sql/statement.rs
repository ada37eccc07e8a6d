//! A statement that owns its parameters, so that it can be queued and sent with others in one round trip.
//!
//! [`Insert`] derives columns, placeholders and parameters from one list, so that they always match.

use jiff::{SignedDuration, Timestamp};
use model::{Envelope, MergeRequestKey, User};
use serde::Serialize;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::{JsonText, clean_text, key as bounded_key, texts};
use crate::StoreError;
use crate::connection::{Param, WireRequest};

type Value = Box<dyn ToSql + Sync + Send>;

/// SQL with its parameters.
pub(crate) struct Statement {
    sql: String,
    params: Vec<(Value, Type)>,
}

impl Statement {
    pub(crate) fn new(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            params: Vec::new(),
        }
    }

    /// A statement whose first three parameters name a merge request.
    pub(crate) fn of(key: &MergeRequestKey, sql: impl Into<String>) -> Self {
        Self::new(sql)
            .bind(clean_text(&key.instance).into_owned(), Type::TEXT)
            .bind(key.project_id.0, Type::INT8)
            .bind(key.mr_iid.0, Type::INT8)
    }

    /// Adds the next parameter.
    pub(crate) fn bind(mut self, value: impl ToSql + Sync + Send + 'static, of: Type) -> Self {
        self.params.push((Box::new(value), of));
        self
    }

    pub(crate) fn bind_text(self, value: &str) -> Self {
        self.bind(clean_text(value).into_owned(), Type::TEXT)
    }

    pub(crate) fn request(&self) -> WireRequest<'_> {
        let mut params: Vec<Param<'_>> = Vec::with_capacity(self.params.len());
        for (value, of) in &self.params {
            params.push((&**value, of.clone()));
        }
        WireRequest { sql: &self.sql, params }
    }
}

/// An `INSERT` of one or more rows, column by column.
pub(crate) struct Insert {
    table: &'static str,
    columns: Vec<&'static str>,
    /// SQL of each value: of the complete rows, and of the current one.
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    statement: Statement,
}

impl Insert {
    pub(crate) fn into(table: &'static str) -> Self {
        Self {
            table,
            columns: Vec::new(),
            rows: Vec::new(),
            row: Vec::new(),
            statement: Statement::new(String::new()),
        }
    }

    /// Begins the next row, with the same columns in the same order.
    pub(crate) fn next_row(mut self) -> Self {
        self.rows.push(std::mem::take(&mut self.row));
        self
    }

    pub(crate) fn value(self, column: &'static str, value: impl ToSql + Sync + Send + 'static, of: Type) -> Self {
        self.computed(column, "$", value, of)
    }

    /// A column computed from one parameter, which is `$` in `expression`.
    pub(crate) fn computed(
        mut self,
        column: &'static str,
        expression: &str,
        value: impl ToSql + Sync + Send + 'static,
        of: Type,
    ) -> Self {
        self.statement = self.statement.bind(value, of);
        let placeholder = format!("${}", self.statement.params.len());
        self.column(column, expression.replace('$', &placeholder))
    }

    /// A column with the same SQL in each row, without a parameter.
    pub(crate) fn constant(self, column: &'static str, expression: &str) -> Self {
        self.column(column, expression.to_owned())
    }

    fn column(mut self, column: &'static str, expression: String) -> Self {
        if self.rows.is_empty() {
            self.columns.push(column);
        } else {
            debug_assert_eq!(
                self.columns.get(self.row.len()),
                Some(&column),
                "rows have the same columns"
            );
        }
        self.row.push(expression);
        self
    }

    pub(crate) fn key(self, key: &MergeRequestKey) -> Self {
        self.text("instance", &key.instance)
            .int8("project_id", key.project_id.0)
            .int8("mr_iid", key.mr_iid.0)
    }

    pub(crate) fn text(self, column: &'static str, value: &str) -> Self {
        self.value(column, clean_text(value).into_owned(), Type::TEXT)
    }

    pub(crate) fn optional_text(self, column: &'static str, value: Option<&str>) -> Self {
        self.value(column, value.map(|value| clean_text(value).into_owned()), Type::TEXT)
    }

    pub(crate) fn texts(self, column: &'static str, values: &[String]) -> Self {
        let values: Vec<String> = texts(values).into_iter().map(Into::into).collect();
        self.value(column, values, Type::TEXT_ARRAY)
    }

    /// Codes, which contain no outside input.
    pub(crate) fn codes(self, column: &'static str, values: Vec<&'static str>) -> Self {
        self.value(column, values, Type::TEXT_ARRAY)
    }

    pub(crate) fn uuid(self, column: &'static str, value: impl Into<Option<Uuid>>) -> Self {
        self.value(column, value.into(), Type::UUID)
    }

    pub(crate) fn int8(self, column: &'static str, value: impl Into<Option<i64>>) -> Self {
        self.value(column, value.into(), Type::INT8)
    }

    pub(crate) fn bool(self, column: &'static str, value: impl Into<Option<bool>>) -> Self {
        self.value(column, value.into(), Type::BOOL)
    }

    pub(crate) fn time(self, column: &'static str, value: impl Into<Option<Timestamp>>) -> Self {
        self.value(column, value.into(), Type::TIMESTAMPTZ)
    }

    pub(crate) fn interval(self, column: &'static str, value: Option<SignedDuration>) -> Self {
        let seconds = value.map(|span| span.as_secs_f64());
        self.computed(column, "make_interval(secs => $)", seconds, Type::FLOAT8)
    }

    /// A structured value as `jsonb`.
    pub(crate) fn json<T: Serialize>(self, column: &'static str, value: &T) -> Result<Self, StoreError> {
        Ok(self.value(column, JsonText::of(value)?, Type::JSONB))
    }

    /// The same for an optional value.
    pub(crate) fn optional_json<T: Serialize>(
        self,
        column: &'static str,
        value: Option<&T>,
    ) -> Result<Self, StoreError> {
        let value = value.map(JsonText::of).transpose()?;
        Ok(self.value(column, value, Type::JSONB))
    }

    /// How a delivery arrived and its identities, in the columns that every table of deliveries has.
    pub(crate) fn delivery(self, envelope: &Envelope) -> Self {
        let (authentication, delivery) = (&envelope.authentication, &envelope.delivery);
        let line = i64::try_from(envelope.audit_line.seq).unwrap_or(i64::MAX);
        self.text("instance", &authentication.instance)
            .text("hook", &authentication.hook)
            .text("auth_method", authentication.method.as_str())
            .bool("stale", authentication.stale)
            .text("delivery_key", &bounded_key(&envelope.delivery_key()))
            .optional_text("delivery_id", delivery.id.as_deref())
            .optional_text("event_uuid", delivery.event_uuid.as_deref())
            .text("payload_sha256", &envelope.payload_sha256)
            .time("received_at", envelope.received_at)
            .uuid("correlation_id", envelope.correlation_id)
            .uuid("audit_stream_id", envelope.audit_line.stream_id)
            .int8("audit_stream_seq", line)
    }

    /// A user in two columns, `..._id` and `..._username`.
    pub(crate) fn user(self, id: &'static str, username: &'static str, user: Option<&User>) -> Self {
        self.int8(id, user.map(|user| user.id.0))
            .optional_text(username, user.map(|user| user.username.as_str()))
    }

    /// Adds a parameter for what follows the values, such as a conflict condition; returns its placeholder.
    pub(crate) fn parameter(&mut self, value: impl ToSql + Sync + Send + 'static, of: Type) -> String {
        self.statement.params.push((Box::new(value), of));
        format!("${}", self.statement.params.len())
    }

    /// The statement; `rest` follows the values, where the stored row is named `stored`.
    pub(crate) fn then(mut self, rest: &str) -> Statement {
        self = self.next_row();
        let rows: Vec<String> = self.rows.iter().map(|row| format!("({})", row.join(", "))).collect();
        self.statement.sql = format!(
            "INSERT INTO {} AS stored ({}) VALUES {} {rest}",
            self.table,
            self.columns.join(", "),
            rows.join(", ")
        );
        self.statement
    }

    /// `ON CONFLICT (target) DO UPDATE SET` with every column except those of `target` and `kept`, as inserted unless `merged` has
    /// an expression, where `?` is the column.
    pub(crate) fn or_update(&self, target: &[&str], kept: &[&str], merged: &[(&str, &str)]) -> String {
        let changed = self
            .columns
            .iter()
            .filter(|column| !target.contains(column) && !kept.contains(column));
        let assign = |column: &&'static str| match merged.iter().find(|(name, _)| name == column) {
            Some((_, expression)) => format!("{column} = {}", expression.replace('?', column)),
            None => format!("{column} = excluded.{column}"),
        };
        let assigned: Vec<String> = changed.map(assign).collect();
        format!(
            "ON CONFLICT ({}) DO UPDATE SET {}",
            target.join(", "),
            assigned.join(", ")
        )
    }
}

/// A known value stays, even if a later read lacks it.
pub(crate) const STAYS_KNOWN: &str = "coalesce(excluded.?, stored.?)";

/// The columns that name a merge request.
pub(crate) const KEY: [&str; 3] = ["instance", "project_id", "mr_iid"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_placeholders_and_parameters_agree() {
        let mut insert = Insert::into("people").int8("id", 7).text("name", "a").computed(
            "age",
            "make_interval(secs => $)",
            1.5,
            Type::FLOAT8,
        );
        insert = insert.next_row().int8("id", 8).text("name", "b").computed(
            "age",
            "make_interval(secs => $)",
            2.5,
            Type::FLOAT8,
        );
        let limit = insert.parameter(3_i64, Type::INT8);
        let update = insert.or_update(&["id"], &["age"], &[("name", STAYS_KNOWN)]);
        let statement = insert.then(&format!("{update} WHERE stored.id < {limit}"));
        let request = statement.request();
        assert_eq!(
            request.sql,
            "INSERT INTO people AS stored (id, name, age) VALUES ($1, $2, make_interval(secs => $3)), \
             ($4, $5, make_interval(secs => $6)) ON CONFLICT (id) DO UPDATE SET \
             name = coalesce(excluded.name, stored.name) WHERE stored.id < $7"
        );
        assert_eq!(request.params.len(), 7);
    }
}

//! Processes a GraphQL request: parse, validate against the schema, execute.

use std::cell::{Cell, RefCell};

use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::{ExecutionResponse, JsonMap, JsonValue};
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Schema, ast};
use http::StatusCode;
use serde_json::{Value, json};

use super::denied::{Denied, json_answer};
use super::nodes::Node;
use super::object::Object;
use super::refusal::Refusal;
use super::session::Session;
use super::{Answer, Linear, Received, complexity};

impl Linear {
    /// Executes the operation in a request's body.
    pub(super) fn execute(&mut self, request: &Received) -> Result<Answer, Denied> {
        // 1. Parse and validate the query and its variables.
        let body = body(request)?;
        let document = parse(&self.schema, body["query"].as_str().unwrap_or_default())?;
        let refuse = |code, message: &dyn ToString| Denied::query(code, [json!({"message": message.to_string()})]);
        let operation = document
            .operations
            .get(body["operationName"].as_str())
            .map_err(|error| refuse("OPERATION_RESOLUTION_FAILURE", &error.message()))?;
        let variables = match JsonValue::from(body["variables"].clone()) {
            JsonValue::Object(variables) => variables,
            _ => JsonMap::new(),
        };
        let variables = coerce_variable_values(&self.schema, operation, &variables)
            .map_err(|error| refuse("BAD_USER_INPUT", &error.message()))?;
        // 2. Apply the limits and the scope of the key.
        let cost = complexity::check(&document, &operation.selection_set, &variables)?;
        let world = self.world.borrow();
        if world.read_only && operation.is_mutation() {
            return Err(Denied::write_scope());
        }
        let (partial, errors_as_400) = (world.partial_errors && operation.is_query(), world.errors_as_400);
        drop(world);
        // 3. Execute the operation on the world.
        let session = Session {
            world: &self.world,
            now: request.time,
            changes: Cell::new(self.changes),
            failing: Cell::new(partial),
            refusals: RefCell::default(),
        };
        let root = Object {
            session: &session,
            node: if operation.is_mutation() {
                Node::Mutation
            } else {
                Node::Query
            },
        };
        let response = Execution::new(&self.schema, &document)
            .operation(operation)
            .coerced_variable_values(&variables)
            .enable_schema_introspection(true)
            .execute_sync(&root)
            .map_err(|error| refuse("BAD_USER_INPUT", &error.message()))?;
        // 4. Answer as the world's failure switches require.
        let body = answer(&session, response);
        let status = if errors_as_400 && body["data"].is_null() {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::OK
        };
        let changes = session.changes.get();
        self.changes = changes;
        Ok(json_answer(status, &body).with_header("x-complexity", &cost))
    }
}

fn body(request: &Received) -> Result<Value, Denied> {
    let content_type = request.header("content-type").unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let body = serde_json::from_slice::<Value>(&request.body).ok();
    body.filter(|body| kind.eq_ignore_ascii_case("application/json") && body["query"].is_string())
        .ok_or_else(|| {
            let message = "POST body missing, invalid Content-Type, or JSON object has no keys.";
            Denied::query("BAD_REQUEST", [json!({ "message": message })])
        })
}

fn parse(schema: &Valid<Schema>, query: &str) -> Result<Valid<ExecutableDocument>, Denied> {
    let errors = |errors: &DiagnosticList| -> Vec<_> {
        let error = |error: apollo_compiler::response::GraphQLError| serde_json::to_value(error).unwrap_or_default();
        errors.iter().map(|diagnostic| error(diagnostic.to_json())).collect()
    };
    let document = ast::Document::parse(query, "query.graphql")
        .map_err(|invalid| Denied::query("GRAPHQL_PARSE_FAILED", errors(&invalid.errors)))?;
    document
        .to_executable_validate(schema)
        .map_err(|invalid| Denied::query("GRAPHQL_VALIDATION_FAILED", errors(&invalid.errors)))
}

/// The answer's body: each error gets the extensions of its rejection.
fn answer(session: &Session<'_>, response: ExecutionResponse) -> Value {
    let mut refusals = session.refusals.take();
    let mut errors = Vec::new();
    for error in response.errors {
        // The executor adds a prefix to the message.
        let index = refusals
            .iter()
            .position(|refusal| error.message.ends_with(&refusal.message));
        // Without a rejection the world does not match the schema; the executor's message says where.
        let refusal = index.map_or_else(|| Refusal::internal(&error.message), |index| refusals.remove(index));
        let mut error = serde_json::to_value(error).unwrap_or_default();
        error["message"] = Value::String(refusal.message);
        error["extensions"] = refusal.extensions;
        errors.push(error);
    }
    if session.failing.get() {
        let Refusal { message, extensions } = Refusal::failure();
        errors.push(json!({"message": message, "extensions": extensions}));
    }
    let mut body = json!({"data": response.data});
    if !errors.is_empty() {
        body["errors"] = Value::Array(errors);
    }
    body
}

//! Settings shared by several functions: the rules file and the database secret.

use std::sync::Arc;

use model::Clock;
use rules::Rules;
use runtime::config::Environment;
use runtime::secrets::{SecretCache, SecretSource, UnreadableSecret};
use store::{DatabaseAddress, DatabaseConfig};

/// The variable that names the rules file.
const RULES_PATH: &str = "RULES_PATH";

/// The rules at `RULES_PATH` (default: `rules.yaml` beside the function); their errors are problems of that variable.
pub fn rules_file(env: &mut Environment) -> Option<Rules> {
    let path = env.path(RULES_PATH, "rules.yaml");
    let read = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()));
    match read.and_then(|text| Rules::parse(&text).map_err(|error| error.to_string())) {
        Ok(rules) => Some(rules),
        Err(problem) => {
            env.problem(RULES_PATH, problem);
            None
        }
    }
}

/// A secret with a database login, and the database address if the secret has none.
#[derive(Debug, Clone)]
pub struct DatabaseSecret {
    pub id: String,
    /// For fields missing in the secret.
    pub address: DatabaseAddress,
}

impl DatabaseSecret {
    pub fn from_environment(env: &mut Environment) -> Self {
        let port = env.number("DATABASE_PORT", 5432, 1..=65_535);
        Self {
            id: env.required("DATABASE_SECRET_ID"),
            address: DatabaseAddress {
                host: env.optional("DATABASE_HOST"),
                port: u16::try_from(port).ok(),
                database: env.optional("DATABASE_NAME"),
            },
        }
    }
}

/// The cache of a database secret: `{"url"}` or the RDS form.
#[must_use]
pub fn database_secret(
    source: Arc<dyn SecretSource>,
    secret: DatabaseSecret,
    clock: Arc<dyn Clock>,
) -> SecretCache<DatabaseConfig> {
    let DatabaseSecret { id, address } = secret;
    SecretCache::current(source, id, clock, move |secret| {
        // The parser's own message is dropped: it could quote the address.
        DatabaseConfig::from_secret(secret, &address).map_err(|_| {
            UnreadableSecret::because("it must be {\"url\"} or {username, password, host, port, dbname}, the last three unless DATABASE_HOST and DATABASE_NAME are set; only a loopback host may go without TLS")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_file_problem_names_its_variable() {
        let mut env = Environment::from_pairs([(RULES_PATH, "/nowhere/rules.yaml")]);
        assert!(rules_file(&mut env).is_none());
        let problem = env.finish().unwrap_err().to_string();
        assert!(
            problem.contains(RULES_PATH) && problem.contains("/nowhere/rules.yaml"),
            "{problem}"
        );
    }
}

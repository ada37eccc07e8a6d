//! Secrets Manager `DescribeSecret`, `PutSecretValue` and `UpdateSecretVersionStage`, as far as a rotation needs them
//! (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_how.html>).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::secrets::uuid_of;
use super::{Refusal, World};

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";
const PREVIOUS: &str = "AWSPREVIOUS";

/// Version ids by secret and staging label.
#[derive(Debug, Default)]
pub(super) struct Versions(BTreeMap<(String, String), String>);

impl Versions {
    pub(super) fn begin(&mut self, id: &str, version: &str) {
        self.0.insert((id.to_owned(), PENDING.to_owned()), version.to_owned());
    }

    /// The version under a label, if there is one.
    pub(super) fn at(&self, world: &World, id: &str, stage: &str) -> Option<String> {
        if let Some(given) = self.0.get(&(id.to_owned(), stage.to_owned())) {
            return Some(given.clone());
        }
        let value = world.secrets.get(id)?.get(stage)?;
        Some(uuid_of(
            &value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        ))
    }

    pub(super) fn describe(&self, world: &World, input: &Value) -> Result<Value, Refusal> {
        let id = known(world, input)?;
        let mut stages: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for stage in [CURRENT, PENDING, PREVIOUS] {
            let Some(version) = self.at(world, id, stage) else {
                continue;
            };
            stages.entry(version).or_default().push(stage);
        }
        Ok(json!({"ARN": id, "Name": id, "VersionIdsToStages": stages}))
    }

    pub(super) fn put(&mut self, world: &mut World, input: &Value) -> Result<Value, Refusal> {
        let id = known(world, input)?.to_owned();
        let (Some(version), Some(value)) = (input["ClientRequestToken"].as_str(), input["SecretString"].as_str())
        else {
            return Err(Refusal::new(
                "InvalidParameterException",
                "a token and a value are needed",
            ));
        };
        let stage = input["VersionStages"][0].as_str().unwrap_or(CURRENT).to_owned();
        let stages = world.secrets.entry(id.clone()).or_default();
        let given = self.0.get(&(id.clone(), stage.clone()));
        let known = stages
            .get(&stage)
            .filter(|_| given.is_some_and(|given| given == version));
        if known.is_some_and(|known| known != value) {
            return Err(Refusal::new(
                "ResourceExistsException",
                "A version with this token exists with another value.",
            ));
        }
        stages.insert(stage.clone(), value.into());
        self.0.insert((id.clone(), stage.clone()), version.to_owned());
        Ok(json!({"ARN": id, "Name": id, "VersionId": version, "VersionStages": [stage]}))
    }

    pub(super) fn promote(&mut self, world: &mut World, input: &Value) -> Result<Value, Refusal> {
        let id = known(world, input)?.to_owned();
        let invalid = |what: &str| Refusal::new("InvalidParameterException", what);
        let (current, pending) = (self.at(world, &id, CURRENT), self.at(world, &id, PENDING));
        if input["VersionStage"] != CURRENT || input["MoveToVersionId"].as_str() != pending.as_deref() {
            return Err(invalid("only a pending version can become current here"));
        }
        // The label is already attached to a version, which must be named.
        if input["RemoveFromVersionId"].as_str() != current.as_deref() {
            return Err(invalid("RemoveFromVersionId must be the current version"));
        }
        let stages = world.secrets.entry(id.clone()).or_default();
        for (from, to, version) in [(CURRENT, PREVIOUS, current), (PENDING, CURRENT, pending)] {
            if let (Some(value), Some(version)) = (stages.remove(from), version) {
                stages.insert(to.to_owned(), value);
                self.0.insert((id.clone(), to.to_owned()), version);
            }
            self.0.remove(&(id.clone(), from.to_owned()));
        }
        Ok(json!({"ARN": id, "Name": id}))
    }
}

fn known<'a>(world: &World, input: &'a Value) -> Result<&'a str, Refusal> {
    let id = input["SecretId"].as_str();
    id.filter(|id| world.secrets.contains_key(*id)).ok_or_else(|| {
        Refusal::new(
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret.",
        )
    })
}

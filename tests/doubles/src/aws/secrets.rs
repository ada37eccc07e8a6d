//! Secrets Manager `GetSecretValue`
//! (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Refusal, World};

/// The version of a secret under a staging label, by default `AWSCURRENT`.
pub(super) fn get(world: &World, input: &Value, now: Timestamp) -> Result<Value, Refusal> {
    let Some(id) = input["SecretId"].as_str() else {
        return Err(Refusal::new("InvalidParameterException", "SecretId is needed"));
    };
    let stage = input["VersionStage"].as_str().unwrap_or("AWSCURRENT");
    let not_found = |what: String| Refusal::new("ResourceNotFoundException", what);
    let versions = world
        .secrets
        .get(id)
        .ok_or_else(|| not_found("Secrets Manager can't find the specified secret.".to_owned()))?;
    let value = versions.get(stage).ok_or_else(|| {
        not_found(format!(
            "Secrets Manager can't find the specified secret value for staging label: {stage}"
        ))
    })?;
    let secret = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let name = id.rsplit(':').next().unwrap_or(id);
    let arn = if id.starts_with("arn:") {
        id.to_owned()
    } else {
        format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-AbCdEf")
    };
    // A version's id changes only with its value.
    let version = uuid_of(&secret);
    Ok(json!({
        "ARN": arn, "Name": name, "VersionId": version, "SecretString": secret, "VersionStages": [stage],
        "CreatedDate": now.as_second(),
    }))
}

pub(super) fn uuid_of(secret: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(secret.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Uuid::from_bytes(bytes).to_string()
}

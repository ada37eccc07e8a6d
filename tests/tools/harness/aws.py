"""AWS calls of the harness, only to the emulator (which does not check signatures)."""

import json
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as xml

from .emulator import REGION
from .progress import Failure


class Aws:
    """AWS at one endpoint."""

    def __init__(self, endpoint: str):
        self.endpoint = endpoint

    def secret(self, secret_id: str) -> dict:
        """The current value of a secret."""
        return json.loads(self._json("secretsmanager", "GetSecretValue", {"SecretId": secret_id})["SecretString"])

    def put_secret(self, secret_id: str, value: dict) -> None:
        """Sets the value of an existing secret."""
        self._json("secretsmanager", "PutSecretValue", {"SecretId": secret_id, "SecretString": json.dumps(value)})

    def ensure_secret(self, name: str, value: dict) -> str:
        """Creates or updates a secret; returns its ARN."""
        try:
            arn = self._json("secretsmanager", "DescribeSecret", {"SecretId": name})["ARN"]
        except Failure:
            return self._json("secretsmanager", "CreateSecret", {"Name": name, "SecretString": json.dumps(value)})["ARN"]
        self.put_secret(name, value)
        return arn

    def outputs(self, stack: str) -> dict[str, str]:
        """A stack's outputs; empty if the stack does not exist."""
        pairs = self._cloudformation("DescribeStacks", stack)
        return {pair["OutputKey"]: pair["OutputValue"] for pair in pairs if pair.get("OutputKey")}

    def resources(self, stack: str) -> dict[str, tuple[str, str]]:
        """A stack's resources: type and physical id by logical id; empty if the stack does not exist."""
        found = self._cloudformation("DescribeStackResources", stack)
        return {one["LogicalResourceId"]: (one["ResourceType"], one["PhysicalResourceId"]) for one in found if one.get("ResourceType")}

    def delete_stack(self, stack: str) -> None:
        """Starts to delete a stack; it is deleted when it has no outputs any more."""
        self._cloudformation("DeleteStack", stack)

    def key(self) -> str:
        """Creates a KMS key; returns its ARN."""
        return self._json("kms", "CreateKey", {}, prefix="TrentService")["KeyMetadata"]["Arn"]

    def topic(self, name: str) -> str:
        """Creates an SNS topic if it does not exist; returns its ARN."""
        form = urllib.parse.urlencode({"Action": "CreateTopic", "Name": name, "Version": "2010-03-31"}).encode()
        answer = xml.fromstring(self._send("sns", form, {"Content-Type": "application/x-www-form-urlencoded"}))
        return next(node.text or "" for node in answer.iter() if node.tag.rpartition("}")[2] == "TopicArn")

    def alias(self, function: str, name: str) -> str:
        """The version that a function's alias points to."""
        return json.loads(self._send("lambda", None, {}, f"/2015-03-31/functions/{function}/aliases/{name}"))["FunctionVersion"]

    def _cloudformation(self, action: str, stack: str) -> list[dict[str, str]]:
        """The members of every list in the answer."""
        form = urllib.parse.urlencode({"Action": action, "StackName": stack, "Version": "2010-05-15"}).encode()
        try:
            text = self._send("cloudformation", form, {"Content-Type": "application/x-www-form-urlencoded"})
        except Failure as error:
            if "does not exist" in str(error):
                return []
            raise
        members = [node for node in xml.fromstring(text).iter() if node.tag.rpartition("}")[2] == "member"]
        return [{child.tag.rpartition("}")[2]: child.text or "" for child in node} for node in members]

    def _json(self, service: str, action: str, body: dict, prefix: str = "") -> dict:
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{prefix or service}.{action}"}
        return json.loads(self._send(service, json.dumps(body).encode(), headers) or b"{}")

    def _send(self, service: str, body: bytes | None, headers: dict[str, str], path: str = "") -> bytes:
        scope = f"Credential=local/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=unchecked"
        request = urllib.request.Request(self.endpoint + path, data=body, headers=headers | {"Authorization": f"AWS4-HMAC-SHA256 {scope}"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Failure(f"{service} answered {error.code}: {error.read().decode(errors='replace')[:500]}") from error
        except OSError as error:
            raise Failure(f"the emulator does not answer at {self.endpoint}: {error}") from error
